import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { limits } from '@postrider/core';
import { createFakeClock } from '@postrider/kafka/testing';
import { createWaitingStores } from './waiting-stores.ts';

const base = mkdtempSync(join(tmpdir(), 'waiting-stores-'));
after(() => rmSync(base, { recursive: true, force: true }));

const delivery = { header: Buffer.alloc(100), body: Buffer.alloc(1_000) };

function setUp(options: { readonly name: string; readonly bytesMax?: number; readonly memoryBytesMax?: number }) {
  const { name, ...bounds } = options;
  const clock = createFakeClock();
  const lost: [partition: number, where: string][] = [];
  const inMemory: number[] = [];
  const alarms: number[] = [];
  const directory = join(base, name);
  const stores = createWaitingStores({
    ...{ directory, clock, ...bounds },
    events: {
      storeLost: (partition, where) => lost.push([partition, where]),
      storeInMemory: (ms) => inMemory.push(ms),
      storesFull: (bytes) => alarms.push(bytes),
    },
  });
  const folder = (): string => join(directory, readdirSync(directory)[0] ?? '');
  return { clock, stores, lost, inMemory, alarms, directory, folder };
}

test('what a process that is no more has left is removed, what others need stays', () => {
  const directory = join(base, 'left');
  const left = [`waiting-${process.pid}-before`, 'waiting-4194999-gone'];
  const kept = ['waiting-1-running', 'somebody-elses'];
  for (const name of [...left, ...kept]) mkdirSync(join(directory, name), { recursive: true });
  using first = createWaitingStores({ directory, clock: createFakeClock(), events: silent });
  using second = createWaitingStores({ directory, clock: createFakeClock(), events: silent });
  assert.ok(first !== second);
  const names = readdirSync(directory);
  assert.deepEqual(
    [...left, ...kept].filter((name) => names.includes(name)),
    kept,
  );
  assert.equal(names.length, kept.length + 2);
});

const silent = { storeLost: () => undefined, storeInMemory: () => undefined, storesFull: () => undefined };

test('a store leaves nothing behind when it is closed, and the process leaves no folder', async () => {
  const { stores, folder, directory } = setUp({ name: 'clean' });
  const store = stores.create(3, () => undefined);
  store.put(1, delivery);
  assert.deepEqual(readdirSync(folder()), ['3-1.db']);
  assert.ok(stores.bytes >= 0);
  stores[Symbol.dispose]();
  assert.deepEqual(readdirSync(directory), []);
});

test('a folder that cannot be made is told at start', () => {
  writeFileSync(join(base, 'file'), '');
  assert.throws(() => setUp({ name: 'file' }), /EEXIST|ENOTDIR/);
});

test('stores that are lost again and again are in memory for a while, as far as that goes', async () => {
  const { stores, lost, inMemory, folder, clock } = setUp({ name: 'failing', memoryBytesMax: 50_000 });
  const where = folder();
  rmSync(where, { recursive: true });
  writeFileSync(where, 'in the way');
  let told = 0;
  for (let i = 0; i < limits.storeLossesMax; i += 1) stores.create(i, () => void (told += 1)).put(1, delivery);
  assert.equal(told, limits.storeLossesMax);
  assert.deepEqual(inMemory, [limits.storeDistrustMs]);
  const store = stores.create(7, () => void (told += 1));
  store.put(1, delivery);
  assert.deepEqual(store.get(1)?.body, delivery.body);
  for (let row = 2; row < 100; row += 1) store.put(row, delivery);
  assert.deepEqual(lost.at(-1), [7, 'memory']);
  assert.equal(told, limits.storeLossesMax + 1);
  rmSync(where);
  mkdirSync(where);
  await clock.advance(limits.storeDistrustMs);
  const onDisk = stores.create(8, () => undefined);
  onDisk.put(1, delivery);
  assert.equal(readdirSync(where).length, 1);
  stores[Symbol.dispose]();
});

test('files that grow beyond their bound are lost, and long before that nothing more is taken in', () => {
  const { stores, lost, alarms } = setUp({ name: 'full', bytesMax: 2_000_000 });
  const store = stores.create(1, () => undefined);
  let row = 0;
  while (!stores.full && row < 100_000) store.put((row += 1), delivery);
  assert.ok(stores.bytes >= 2_000_000 * limits.pauseAtFraction && lost.length === 0);
  for (let gone = row; gone > row * 0.75; gone -= 1) store.delete(gone);
  for (let i = 0; i < 256; i += 1) store.put(1, delivery);
  assert.equal(stores.full, true);
  for (let gone = row; gone > row / 4; gone -= 1) store.delete(gone);
  for (let i = 0; i < 256; i += 1) store.put(1, delivery);
  assert.equal(stores.full, false);
  assert.equal(alarms.length, 1);
  while (lost.length === 0 && row < 200_000) store.put((row += 1), delivery);
  assert.deepEqual(lost, [[1, 'disk']]);
  assert.equal(existsSync(join(base, 'full')), true);
  stores[Symbol.dispose]();
});
