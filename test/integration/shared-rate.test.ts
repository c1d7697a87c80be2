/** The rate of a destination over a real Redis, asked by processes that do not know of each other. Observed: what each tenant is given. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTo } from 'node:net';
import { after, before, test } from 'node:test';
import { parseRedisUrl } from '../../services/dispatcher/src/redis-target.ts';
import { connectRedis } from '../../services/dispatcher/src/redis-done-store.ts';
import type { SharedRate } from '../../services/dispatcher/src/shared-rate.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';

let redis: TestRedis;
before(async () => {
  redis = await startRedis();
});
after(() => redis[Symbol.asyncDispose]());

type Connection = SharedRate & AsyncDisposable;

async function connect(): Promise<Connection> {
  const store = connectRedis({ target: parseRedisUrl(redis.url), onTrouble: () => undefined });
  const answers = () =>
    store.has(['any']).then(
      () => true,
      () => false,
    );
  await waitFor(answers, { what: 'Redis to answer', timeoutMs: 10_000 });
  return store;
}

/** A process in which tenants want so much, for so long as it is said; counts what they are given. */
async function ask(
  rate: SharedRate,
  question: { readonly name: string; readonly perSecond: number; readonly wants: ReadonlyMap<string, number> },
  goesOn: () => boolean,
  given: Map<string, number>,
): Promise<void> {
  const left = new Map(question.wants);
  while (goesOn() && left.size > 0) {
    // On a busy machine an answer may be late: what it granted is lost.
    const nothing = { granted: new Map<string, number>(), waitMs: 0 };
    const { granted, waitMs } = await rate.take(question.name, question.perSecond, left).catch(() => nothing);
    for (const [tenant, count] of granted) {
      given.set(tenant, (given.get(tenant) ?? 0) + count);
      const rest = (left.get(tenant) ?? 0) - count;
      assert.ok(rest >= 0, 'more than was asked for');
      if (rest === 0) left.delete(tenant);
      else left.set(tenant, rest);
    }
    const next = performance.now() + waitMs;
    await waitFor(() => performance.now() >= next, { what: 'the next question' });
  }
}

/** Several processes ask for so long (ms). */
async function askAll(perSecond: number, wants: readonly ReadonlyMap<string, number>[], forMs: number) {
  const name = `test:{${randomUUID()}}`;
  const given = new Map<string, number>();
  await using stack = new AsyncDisposableStack();
  const processes = await Promise.all(wants.map(async () => stack.use(await connect())));
  const began = performance.now();
  const goesOn = () => performance.now() - began < forMs;
  await Promise.all(
    processes.map((rate, at) => ask(rate, { name, perSecond, wants: wants[at] as Map<string, number> }, goesOn, given)),
  );
  const tookMs = performance.now() - began;
  const sum = given.values().reduce((all, count) => all + count, 0);
  return { given, sum, expected: (perSecond * tookMs) / 1_000 };
}

test('processes together are given the rate, its tenth at once, and no more', async () => {
  const busy = new Map([['a', 10_000]]);
  const { sum, expected } = await askAll(200, [busy, busy, busy, busy], 3_000);
  assert.ok(sum <= expected + 21, `${sum} of ${expected}`);
  assert.ok(sum >= expected * 0.6, `${sum} of ${expected}`);
});

test('a tenant that waits in every process gets no more than one that waits in one', async () => {
  const big = new Map([['big', 10_000]]);
  const both = new Map([...big, ['small', 10_000]]);
  const { given, sum, expected } = await askAll(200, [big, big, big, both], 3_000);
  const share = (given.get('small') ?? 0) / sum;
  assert.ok(share > 0.4 && share < 0.6, `${share} of ${sum}`);
  assert.ok(sum >= expected * 0.6, `${sum} of ${expected}`);
});

test('what a tenant does not want, or one that is gone was waiting for, falls to the others', async () => {
  const { given, sum, expected } = await askAll(100, [new Map([['busy', 10_000]]), new Map([['rare', 3]])], 3_000);
  assert.equal(given.get('rare'), 3);
  assert.ok(sum >= expected * 0.6, `${sum} of ${expected}`);
  await using rate = await connect();
  const name = `test:{${randomUUID()}}`;
  await rate.take(name, 10, new Map([['gone', 100]]));
  const later = new Map<string, number>();
  const began = performance.now();
  const lasts = () => performance.now() - began < 2_000;
  await ask(rate, { name, perSecond: 10, wants: new Map([['stays', 1_000]]) }, lasts, later);
  assert.ok((later.get('stays') ?? 0) >= 14, `${later.get('stays')}`);
});

test('who asks one at a time is no better off than who waits for many', async () => {
  const name = `test:{${randomUUID()}}`;
  await using one = await connect();
  await using two = await connect();
  const given = new Map<string, number>();
  const began = performance.now();
  const goesOn = () => performance.now() - began < 3_000;
  const single = async (): Promise<void> => {
    while (goesOn()) {
      const taken = await one.take(name, 100, new Map([['single', 1]])).catch(() => null);
      given.set('single', (given.get('single') ?? 0) + (taken?.granted.get('single') ?? 0));
    }
  };
  await Promise.all([single(), ask(two, { name, perSecond: 100, wants: new Map([['many', 10_000]]) }, goesOn, given)]);
  assert.ok((given.get('single') ?? 0) <= 1.3 * (given.get('many') ?? 0), JSON.stringify([...given]));
});

test('what is kept in Redis of a destination is forgotten when nobody asks about it for a minute', async () => {
  await using rate = await connect();
  const name = `test:{${randomUUID()}}`;
  await waitFor(
    () =>
      rate.take(
        name,
        10,
        new Map([
          ['a', 1],
          ['b', 100],
        ]),
      ),
    { what: 'an answer' },
  );
  const socket = connectTo(redis.port, '127.0.0.1');
  try {
    for (const part of ['rate', 'waits', 'ahead', 'until']) {
      socket.write(`PTTL ${name}:${part}\r\n`);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      const leftMs = Number(/^:(-?\d+)/.exec(answer.toString())?.[1]);
      // Without an expiry it would be -1; what is not there is -2.
      assert.ok(leftMs === -2 || (leftMs > 0 && leftMs <= 60_000), `${part}: ${leftMs}`);
      assert.ok(part !== 'rate' || leftMs > 0);
    }
  } finally {
    socket.destroy();
  }
});
