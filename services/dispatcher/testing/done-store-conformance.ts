import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { DoneStore } from '../src/done-store.ts';

/** A store under test, and how to wait for something. */
export interface DoneStoreUnderTest {
  readonly store: DoneStore;
  readonly until: (condition: () => Promise<boolean>) => Promise<unknown>;
}

/** What every store does, the fake and the real one alike. */
export function doneStoreConformance(name: string, open: () => Promise<DoneStoreUnderTest>): void {
  const unique = (): string => `test:${randomUUID()}`;

  test(`${name}: what was added is found, in the order of the question, and nothing else`, async () => {
    const { store } = await open();
    await using _ = store;
    const [a, b, c] = [unique(), unique(), unique()];
    await store.add([a, c], 60_000);
    assert.deepEqual(await store.has([a, b, c]), [true, false, true]);
    assert.deepEqual(await store.has([c, c]), [true, true]);
  });

  test(`${name}: keys are kept as long as asked, counted from when they were last added`, async () => {
    const { store, until } = await open();
    await using _ = store;
    const [long, short] = [unique(), unique()];
    await store.add([long, short], 200);
    await store.add([long], 60_000);
    assert.deepEqual(await store.has([long, short]), [true, true]);
    await until(async () => (await store.has([short]))[0] === false);
    assert.deepEqual(await store.has([long]), [true]);
  });

  test(`${name}: as many keys as one call may hold`, async () => {
    const { store } = await open();
    await using _ = store;
    const keys = Array.from({ length: 500 }, unique);
    await store.add(keys, 60_000);
    assert.deepEqual(await store.has([...keys, unique()]), [...keys.map(() => true), false]);
  });
}
