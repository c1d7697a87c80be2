/** The done-filter's store over a real Redis that hangs, dies and comes back. Observed: answers, how long they take, errors. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { limits } from '@postrider/core';
import { doneStoreConformance } from '../../services/dispatcher/testing/done-store-conformance.ts';
import { connectRedis } from '../../services/dispatcher/src/redis-done-store.ts';
import { parseRedisUrl } from '../../services/dispatcher/src/redis-target.ts';
import type { DoneStore } from '../../services/dispatcher/src/done-store.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';

const password = 'p@ss:w0rd/?#';
let redis: TestRedis;
before(async () => {
  redis = await startRedis({ password });
});
after(() => redis[Symbol.asyncDispose]());

function connect(url = redis.url): { readonly store: DoneStore; readonly troubles: Error[] } {
  const troubles: Error[] = [];
  return { store: connectRedis({ target: parseRedisUrl(url), onTrouble: (error) => troubles.push(error) }), troubles };
}

async function connected(): Promise<DoneStore> {
  const { store } = connect();
  await answers(store);
  return store;
}

const answers = (store: DoneStore) =>
  waitFor(
    () =>
      store.has(['test:any']).then(
        () => true,
        () => false,
      ),
    { what: 'Redis to answer', timeoutMs: 10_000 },
  );

/** What a call that must fail says, and how long it took (ms). */
async function failure(call: Promise<unknown>): Promise<{ readonly error: Error; readonly tookMs: number }> {
  const began = performance.now();
  const error = await call.then(
    () => assert.fail('the call succeeded'),
    (reason: unknown) => reason as Error,
  );
  return { error, tookMs: performance.now() - began };
}

doneStoreConformance('redis', async () => ({
  store: await connected(),
  until: (condition) => waitFor(condition, { what: 'a key to be forgotten', timeoutMs: 10_000 }),
}));

test('before there is a connection every call fails at once: nothing is queued for later', async () => {
  const { store } = connect();
  await using _ = store;
  assert.equal((await failure(store.has(['test:a']))).error.message, 'not connected');
  assert.equal((await failure(store.add(['test:early'], 60_000))).error.message, 'not connected');
  await answers(store);
  assert.deepEqual(await store.has(['test:early']), [false]);
});

test('a Redis that hangs costs a call 50 ms, and answers again when it goes on', async () => {
  await using store = await connected();
  redis.freeze();
  try {
    for (const call of [() => store.has(['test:a']), () => store.add(['test:a', 'test:b'], 60_000)]) {
      const { error, tookMs } = await failure(call());
      assert.equal(error.message, 'no answer in time');
      assert.ok(tookMs >= limits.doneTimeoutMs - 2 && tookMs < 1_000, `${tookMs} ms`);
    }
  } finally {
    redis.thaw();
  }
  await answers(store);
});

test('a Redis that dies fails calls at once, and is found again when it is back', async () => {
  await using store = await connected();
  await redis.kill();
  await waitFor(async () => (await failure(store.has(['test:a']))).error.message === 'not connected', {
    what: 'the loss to be noticed',
    timeoutMs: 5_000,
  });
  await redis.restart();
  await answers(store);
});

test('no error holds the password, neither a right one nor a wrong one', async () => {
  const address = redis.url.slice(redis.url.indexOf('@') + 1);
  for (const [login, word] of [
    [':hunter2@', 'WRONGPASS'],
    ['', 'NOAUTH'],
  ] as const) {
    const { store, troubles } = connect(`redis://${login}${address}`);
    await using _ = store;
    const errors = troubles;
    const refused = async (): Promise<boolean> => {
      errors.push((await failure(store.has(['test:a']))).error);
      return errors.some(({ message }) => message === word);
    };
    await waitFor(refused, { what: `Redis to say ${word}`, timeoutMs: 5_000 });
    const shown = inspect(errors, { depth: 10, showHidden: true });
    assert.ok(!shown.includes('hunter2') && !shown.includes(password), shown);
  }
});
