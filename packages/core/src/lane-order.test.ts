import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderingMode, RunKind } from '@postrider/contract/postrider/v1/delivery';
import fc from 'fast-check';
import { createLaneOrder, orderPlaceOf, type OrderPlace } from './lane-order.ts';

/** The rule in its plainest form, over everything that has not ended. */
class NaiveOrder {
  readonly places: OrderPlace[] = [];

  firstFor(place: OrderPlace): number {
    return Math.min(...this.places.filter((other) => areOrdered(other, place)).map(({ seq }) => seq));
  }

  firsts(): number[] {
    return this.places.filter((place) => this.firstFor(place) === place.seq).map(({ seq }) => seq);
  }

  remove(place: OrderPlace): void {
    this.places.splice(this.places.indexOf(place), 1);
  }
}

function areOrdered(a: OrderPlace, b: OrderPlace): boolean {
  return a.keyHash === null || b.keyHash === null || a.keyHash === b.keyHash;
}

const keyHash = fc.constantFrom(null, 0n, 1n, 2n ** 64n - 1n);
const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), keyHash, seq: fc.nat(60) }),
  fc.record({ kind: fc.constant('remove' as const), pick: fc.nat() }),
);

test('whose turn it is, and whose turn comes when one ends, is what the plain rule says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const order = createLaneOrder();
      const naive = new NaiveOrder();
      for (const one of steps) {
        if (one.kind === 'add') {
          if (naive.places.some(({ seq }) => seq === one.seq)) continue;
          const place = { keyHash: one.keyHash, seq: one.seq };
          order.add(place);
          naive.places.push(place);
        } else if (naive.places.length > 0) {
          const ended = naive.places[one.pick % naive.places.length] as OrderPlace;
          const before = naive.firsts();
          order.remove(ended);
          naive.remove(ended);
          const told = new Set(order.after(ended));
          for (const seq of naive.firsts()) if (!before.includes(seq)) assert.ok(told.has(seq), `${seq} is told`);
          for (const seq of told) assert.ok(naive.places.some((place) => place.seq === seq));
        }
        assert.equal(order.size, naive.places.length);
        for (const place of naive.places) assert.equal(order.firstFor(place), naive.firstFor(place));
        const heads = new Set(order.heads());
        for (const seq of naive.firsts()) assert.ok(heads.has(seq), `${seq} is a head`);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('what is taken out from behind and put in again keeps its place', () => {
  const order = createLaneOrder();
  const places = [1, 2, 3].map((seq) => ({ keyHash: 7n, seq }));
  for (const place of places) order.add(place);
  order.remove(places[1] as OrderPlace);
  order.add(places[1] as OrderPlace);
  order.remove(places[0] as OrderPlace);
  assert.equal(order.firstFor(places[2] as OrderPlace), 2);
  assert.equal(order.size, 2);
});

test('taking out what is not there changes nothing', () => {
  const order = createLaneOrder();
  order.remove({ keyHash: null, seq: 1 });
  order.remove({ keyHash: 1n, seq: 1 });
  assert.equal(order.size, 0);
});

test('a delivery has a place when it was routed in order, for the first time, and read on deliveries', () => {
  const ordering = { mode: OrderingMode.KEY, keyHash: 7n, seq: 0 };
  const view = { ordering, runKind: RunKind.FIRST, runId: '' };
  const at = { bulk: false, offset: 3 };
  const inMode = (mode: OrderingMode) => orderPlaceOf({ ...view, ordering: { ...ordering, mode } }, at);
  assert.deepEqual(orderPlaceOf(view, at), { keyHash: 7n, seq: 3 });
  assert.deepEqual(inMode(OrderingMode.ENDPOINT), { keyHash: null, seq: 3 });
  assert.deepEqual(inMode(OrderingMode.UNRECOGNIZED), { keyHash: null, seq: 3 });
  assert.equal(inMode(OrderingMode.NONE), null);
  assert.equal(inMode(OrderingMode.UNSPECIFIED), null);
  assert.equal(orderPlaceOf({ ...view, ordering: null }, at), null);
  assert.equal(orderPlaceOf({ ...view, runKind: RunKind.RESEND, runId: 'run_1' }, at), null);
  assert.equal(orderPlaceOf({ ...view, runId: 'run_1' }, at), null);
  assert.equal(orderPlaceOf(view, { ...at, bulk: true }), null);
  assert.equal(orderPlaceOf(view, { ...at, offset: -1 }), null);
});
