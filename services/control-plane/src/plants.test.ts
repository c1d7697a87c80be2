/**
 * Control planes with a mistake in what keeps writers or tenants apart, each of which the tests must notice. The source on
 * disk stays as it is.
 */
import { holesAreNoticed, type Hole } from '../../../test/support/plants-noticed.ts';

const src = 'services/control-plane/src';

const holes: readonly Hole[] = [
  {
    what: 'every replica writes under an id of its own, so that the broker refuses no stale leader',
    plants: [
      {
        file: `${src}/config-writer.ts`,
        find: "{ name: 'config', transactionalId: topic }",
        replace: "{ name: 'config', transactionalId: processId }",
      },
      {
        file: `${src}/writer-seat.ts`,
        find: 'mayWrite: () => held && isHeard(member, clock),',
        replace: 'mayWrite: () => true,',
      },
    ],
    file: `${src}/leadership.test.ts`,
    only: 'refused by the broker',
    says: /✖ a leader that was stopped and wakes up is refused by the broker/,
  },
  {
    what: 'an empty topic is believed',
    plants: [
      {
        file: `${src}/config-mark.ts`,
        find: 'if (noted !== null && noted > present && noted > (parseRevision(acceptLossTo) ?? 0n)) {',
        replace: 'if (false) {',
      },
    ],
    file: `${src}/config-loss.test.ts`,
    only: 'a topic that was emptied',
    says: /✖ a topic that was emptied is not believed/,
  },
  {
    what: 'a method without a rule is let through',
    plants: [{ file: 'packages/contract/write-methods.ts', find: 'if (rule.effect === 0)', replace: 'if (false)' }],
    file: 'packages/contract/write-methods.test.ts',
    says: /✖ a method without a rule stops the build/,
  },
  {
    what: 'one list shows what is of other tenants',
    plants: [
      {
        file: `${src}/scoped-config.ts`,
        find: 'pauses: () => filtered(snapshot.pauses(), ({ name }) => isNear(name)),',
        replace: 'pauses: () => snapshot.pauses(),',
      },
    ],
    file: `${src}/access-matrix.test.ts`,
    only: 'ListPauses × tenant-viewer',
    says: /ListPauses shows a foreign tenant/,
  },
  {
    what: 'a page token is good for whoever has it',
    plants: [
      {
        file: `${src}/scoped-config.ts`,
        find: 'parent: `${keyOf(reach)} ${list.parent}` }',
        replace: 'parent: list.parent }',
      },
    ],
    file: `${src}/api-keys.test.ts`,
    only: 'the token of a page',
    says: /✖ the token of a page is worth nothing/,
  },
  {
    what: 'a secret is shown without that being on record',
    plants: [
      {
        file: `${src}/secrets/reveal-secret.ts`,
        find: 'await recordReveal(context, caller, { name, reason });',
        replace: '',
      },
    ],
    file: `${src}/audit/audited-methods.test.ts`,
    says: /✖ RevealSecret is told/,
  },
  {
    what: 'an error says the secret that it is about',
    plants: [
      {
        file: `${src}/signing-secret.ts`,
        find: 'return [{ field, description: error.message }];',
        replace: 'return [{ field, description: `${given}: ${error.message}` }];',
      },
    ],
    file: `${src}/secrets.test.ts`,
    only: 'a secret stands sealed',
    says: /✖ a secret stands sealed in the records, and in no answer, error or log line/,
  },
];

holesAreNoticed('what keeps writers and tenants apart is missed when it is gone', holes);
