/** What every store of waiting deliveries must do, whatever it is made of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { WaitingStore, WaitingStoreOptions } from '../src/waiting-store.ts';

const roomy: WaitingStoreOptions = { mayGrow: () => true, lost: (error) => assert.fail(error) };

/** Tests one kind of store. */
export function storeConformance(kind: string, create: Create): void {
  keepsBytes(kind, create);
  keepsBounds(kind, create);
}

type Create = (options: WaitingStoreOptions) => WaitingStore;

function keepsBytes(kind: string, create: Create): void {
  test(`${kind}: what was put last under a number is there, byte for byte, until it is deleted`, () => {
    const bytes = fc.uint8Array({ maxLength: 3_000 });
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.option(fc.tuple(bytes, bytes))), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (plan) => {
        const store = create(roomy);
        const model = new Map<number, readonly [Uint8Array, Uint8Array]>();
        for (const [row, delivery] of plan) {
          if (delivery === null) {
            store.delete(row);
            model.delete(row);
          } else {
            store.put(row, { header: Buffer.from(delivery[0]), body: Buffer.from(delivery[1]) });
            model.set(row, delivery);
          }
        }
        for (let row = 1; row <= 12; row += 1) {
          const expected = model.get(row);
          const found = store.get(row);
          assert.equal(found === undefined, expected === undefined);
          if (found === undefined || expected === undefined) continue;
          assert.deepEqual([found.header, found.body], [Buffer.from(expected[0]), Buffer.from(expected[1])]);
        }
        store.close();
      }),
      { numRuns: 30 },
    );
  });

  test(`${kind}: what happens to the bytes that were given or taken does not touch the store`, () => {
    const store = create(roomy);
    const body = Buffer.from('body');
    store.put(1, { header: Buffer.alloc(0), body });
    body.fill(0);
    assert.equal(store.get(1)?.body.toString(), 'body');
    assert.equal(store.get(1)?.header.length, 0);
    store.close();
  });
}

function keepsBounds(kind: string, create: Create): void {
  test(`${kind}: it tells what it takes, and gives room back`, () => {
    const store = create(roomy);
    const delivery = { header: Buffer.alloc(10), body: Buffer.alloc(1_000) };
    for (let row = 1; row <= 1_024; row += 1) store.put(row, delivery);
    assert.ok(store.bytes > 900_000 && store.bytes < 2_000_000, `${store.bytes} bytes`);
    for (let row = 1; row <= 1_024; row += 1) store.delete(row);
    for (let row = 1; row <= 256; row += 1) store.put(row, { header: Buffer.alloc(1), body: Buffer.alloc(1) });
    assert.ok(store.bytes < 100_000, `${store.bytes} bytes`);
    store.close();
  });

  test(`${kind}: without room everything is lost, which is told once, and nothing throws`, () => {
    const losses: Error[] = [];
    const store = create({ mayGrow: () => store.bytes < 100_000, lost: (error) => void losses.push(error) });
    for (let row = 1; row <= 2_000; row += 1) store.put(row, { header: Buffer.alloc(1), body: Buffer.alloc(1_000) });
    assert.equal(losses.length, 1);
    assert.equal(store.get(1), undefined);
    store.delete(1);
    assert.equal(store.bytes, 0);
    store.close();
  });

  test(`${kind}: after closing nothing is found and nothing is kept`, () => {
    const store = create(roomy);
    store.put(1, { header: Buffer.alloc(1), body: Buffer.alloc(1) });
    store.close();
    store.put(2, { header: Buffer.alloc(1), body: Buffer.alloc(1) });
    assert.deepEqual([store.get(1), store.get(2), store.bytes], [undefined, undefined, 0]);
    store.close();
  });
}
