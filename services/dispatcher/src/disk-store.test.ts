import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { storeConformance } from '../testing/waiting-store-conformance.ts';
import { createDiskStore } from './disk-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'disk-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);
const delivery = { header: Buffer.alloc(200, 1), body: Buffer.alloc(1_000, 2) };

storeConformance('on disk', (options) => createDiskStore(newFile(), options));

test('a store without rows makes no file', () => {
  const file = newFile();
  const store = createDiskStore(file, { mayGrow: () => true, lost: () => undefined });
  assert.equal(store.get(1), undefined);
  store.delete(1);
  assert.equal(existsSync(file), false);
  store.close();
});

test('a file whose name is removed still serves; one that was cut off, or cannot be made, is lost, and nothing throws', () => {
  const losses: string[] = [];
  const open = (name: string, file: string) =>
    createDiskStore(file, { mayGrow: () => true, lost: () => void losses.push(name) });

  const removed = newFile();
  const first = open('removed', removed);
  for (let row = 1; row <= 10_000; row += 1) first.put(row, delivery);
  rmSync(removed);
  assert.deepEqual(first.get(17)?.body, delivery.body);
  first.close();
  assert.deepEqual(losses, []);

  const cut = newFile();
  const second = open('cut', cut);
  for (let row = 1; row <= 10_000; row += 1) second.put(row, delivery);
  truncateSync(cut, 100);
  const found = Array.from({ length: 10_000 }, (_, i) => second.get(i + 1)).filter((one) => one !== undefined);
  assert.ok(found.length < 10_000);
  for (const one of found) assert.deepEqual(one.body, delivery.body);
  second.close();

  const third = open('impossible', join(folder, 'no', 'such', 'folder.db'));
  third.put(1, delivery);
  third.put(2, delivery);
  assert.equal(third.get(1), undefined);
  assert.equal(losses.filter((name) => name === 'impossible').length, 1);
});
