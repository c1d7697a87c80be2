/**
 * Name servers fail for everybody: no endpoint pays for it. Doubles: Kafka and the dispatcher's clock; the door, its resolver, a
 * name server and the endpoints are real, on loopback. Observed: attempts, what arrives, what readiness and the log say.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { limits } from '@postrider/core';
import { createEgress } from '@postrider/egress';
import { nameServer, type NameServerAnswer } from '../../../packages/egress/testing/name-server.ts';
import { laptopPolicy, onRequest, rawEndpoint, realClock } from '../../../packages/egress/testing/support.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { createHarness } from '../testing/harness.ts';

const loopback: NameServerAnswer = { records: [Buffer.from([127, 0, 0, 1])] };
const answer = (type: string): NameServerAnswer => (type === 'A' ? loopback : {});
const resolveMs = 100;
/** Deliveries to the endpoint whose name is not remembered: more than may be in flight. */
const waiting = 60;

const short = { resolveMs, nameTroubleMs: 20, nameFreshMinMs: 1 };

/** What a name server does to every question. */
const faults: Readonly<Record<string, (type: string) => NameServerAnswer | undefined | Promise<NameServerAnswer>>> = {
  silent: () => undefined,
  slow: (type) =>
    new Promise((resolve) => {
      realClock.after(2.5 * resolveMs, () => resolve(answer(type)));
    }),
  'broken upstream': () => ({ code: 'servfail' }),
};

/** A dispatcher with two endpoints, and the name server that it asks. */
async function open(stack: AsyncDisposableStack) {
  let fault: (typeof faults)[string] | undefined;
  const names = stack.use(await nameServer((_, type) => (fault ?? answer)(type)));
  const arrived: string[] = [];
  const receiver = stack.use(
    await rawEndpoint((socket) =>
      onRequest(socket, (request) => {
        arrived.push(/^POST \/(\w+)/.exec(request)?.[1] ?? '');
        // Each delivery needs a connection of its own, and so a name.
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      }),
    ),
  );
  const egress = createEgress({ policy: laptopPolicy, clock: realClock, nameServers: names.servers, limits: short });
  stack.defer(() => egress.close({ graceMs: 0 }));
  const run = createHarness();
  for (const id of ['known', 'fresh']) {
    run.config.endpoint(id, { url: `http://${id}.example.com:${receiver.port}/${id}` });
  }
  const switches = { allowHttp: true, allowLoopback: true };
  const dispatcher = await run.start('dispatcher', switches, {
    wrapSend: () => (request, done) => egress.send(request, done),
    names: egress.names,
  });
  stack.defer(() => run.stop(dispatcher));
  const attempts = (id: string) => run.attempts().filter(({ endpointId }) => endpointId === `ep_${id}`);
  return {
    run,
    dispatcher,
    arrived,
    attempts,
    fail: (how: (typeof faults)[string]) => void (fault = how),
    heal: () => void (fault = undefined),
    /** The dispatcher's time is played and the door's is not: each goes on while the other waits. */
    until: (condition: () => boolean, what: string) =>
      waitFor(() => run.clock.advance(20).then(condition), { what, timeoutMs: 30_000 }),
  };
}

for (const [what, fault] of Object.entries(faults)) {
  test(`name servers are ${what}: remembered names go on, the others wait without an attempt, and arrive when it is over`, async () => {
    await using stack = new AsyncDisposableStack();
    const { run, dispatcher, arrived, attempts, fail, heal, until } = await open(stack);
    run.deliver('before', 'known');
    await until(() => arrived.length === 1, 'the first delivery');

    fail(fault);
    run.deliver('during', 'known');
    for (let number = 0; number < waiting; number++) run.deliver(`waits-${number}`, 'fresh');
    await until(() => attempts('fresh').length > 0 && arrived.length === 2, 'tries that fail as our own fault');
    await run.clock.advance(3_600_000);
    assert.deepEqual(arrived, ['known', 'known']);
    const tried = attempts('fresh');
    // Those that were in flight when the first of them failed; nothing else was tried in vain.
    assert.ok(tried.length <= limits.laneConcurrencyDefault, `${tried.length}`);
    for (const { code, outcome, number } of tried) {
      assert.match(code, /^dns_(timeout|failure)$/);
      assert.deepEqual([outcome, number], [Outcome.INTERNAL_ERROR, 0]);
    }
    assert.equal(dispatcher.resolving().ok, false);

    heal();
    const healed = run.clock.monotonic();
    const done = () => attempts('fresh').filter(({ outcome }) => outcome === Outcome.DELIVERED);
    await until(() => done().length === waiting, 'the deliveries that waited');
    assert.ok(run.clock.monotonic() - healed <= 5_000, `${run.clock.monotonic() - healed} ms`);
    assert.ok(done().every(({ number }) => number === 1));
    assert.deepEqual([run.deadLetters(), dispatcher.resolving()], [[], { ok: true }]);
    const told = run.log.lines.filter(({ message }) => message.startsWith('egress-names'));
    assert.deepEqual(
      told.map(({ level }) => level),
      ['error', 'info'],
    );
  });
}
