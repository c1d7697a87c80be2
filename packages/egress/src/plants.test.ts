/**
 * Builds with a hole in the door, each of which the tests must notice: a planted process runs the tests of the corpus, or of
 * the door, and they are red for the reason that the hole gives them. The source on disk stays as it is.
 */
import { holesAreNoticed, type Hole } from '../../../test/support/plants-noticed.ts';

const corpusAtDispatcher = 'services/dispatcher/src/ssrf-corpus.test.ts';
const theDoor = 'packages/egress/src/send.test.ts';

const guardedConnect = 'packages/egress/src/guarded-connect.ts';
const exchange = 'packages/egress/src/exchange.ts';
const sockets = 'packages/egress/src/sockets.ts';
const judged = "if (bytes === undefined || judgeAddress(bytes, policy).verdict === 'deny') {";
const anyPasses =
  "addresses.some((one) => judgeAddress(parseAddress(one) ?? new Uint8Array(4), policy).verdict === 'allow')";

const holes: readonly Hole[] = [
  {
    what: 'no address is judged',
    plants: [{ file: guardedConnect, find: judged, replace: 'if (false) {' }],
    file: corpusAtDispatcher,
    says: /D249 public name to RFC 1918: \S+ (?!blocked)/,
  },
  {
    what: 'one address that passes is enough',
    plants: [{ file: guardedConnect, find: judged, replace: `if (!${anyPasses}) {` }],
    file: corpusAtDispatcher,
    says: /D263 order must not matter: \S+ (?!blocked)/,
  },
  {
    what: 'redirects are followed',
    plants: [
      {
        file: exchange,
        find: "import type { Client, Dispatcher } from 'undici';",
        replace: "import { interceptors, type Client, type Dispatcher } from 'undici';",
      },
      {
        file: exchange,
        find: 'client.dispatch({',
        replace: 'client.compose(interceptors.redirect({ maxRedirections: 3 })).dispatch({',
      },
    ],
    file: corpusAtDispatcher,
    says: /R28\d .*: \S+ \S+, dialled/,
  },
  {
    what: 'there is no total deadline',
    plants: [{ file: exchange, find: 'if (now >= this.deadline) {', replace: 'if (now === Infinity) {' }],
    file: theDoor,
    only: 'the deadline also ends what is still waiting',
    says: /✖ the deadline also ends/,
  },
  {
    what: 'connections are kept by origin, so that tenants share them',
    plants: [
      { file: sockets, find: 'endpoints.get(request.poolKey)', replace: 'endpoints.get(request.origin)' },
      {
        file: sockets,
        find: 'createEndpointSockets(request.poolKey,',
        replace: 'createEndpointSockets(request.origin,',
      },
      {
        file: sockets,
        find: 'endpoints.set(request.poolKey, endpoint);\n    evict(',
        replace: 'endpoints.set(request.origin, endpoint);\n    evict(',
      },
    ],
    file: theDoor,
    only: 'two endpoints with the same origin share no connection',
    says: /✖ two endpoints with the same origin/,
  },
];

holesAreNoticed('holes in the door are noticed', holes);
