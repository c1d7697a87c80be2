/** Lanes whose starts are recorded and end when the test says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnswering, limits, type WorkKind } from '@postrider/core';
import { createFakeClock } from '@postrider/kafka/testing';
import { createLane, enqueue, type Lane } from './lane.ts';
import { createScheduler } from './scheduler.ts';

import type { Work } from './work.ts';

interface What {
  readonly bulk?: boolean;
  readonly bytes?: number;
  /** Whether the endpoint is known to answer. */
  readonly answers?: boolean;
}

function setUp(bounds: {
  readonly podInFlightMax: number;
  readonly laneInFlightFraction?: number;
  readonly podInFlightBytesMax?: number;
  readonly startsTogetherMax?: number;
}) {
  const clock = createFakeClock();
  const unwritten = { records: 0 };
  const scheduler = createScheduler(clock, unwritten, {
    podInFlightBytesMax: 1_000_000,
    laneInFlightFraction: 1,
    startsTogetherMax: Infinity,
    ...bounds,
  });
  const started: string[] = [];
  const flying: { readonly lane: Lane; readonly kind: WorkKind; readonly bytes: number }[] = [];
  let mayStart = true;
  const add = (to: Lane, count: number, { bulk = false, bytes = 10 }: Omit<What, 'answers'> = {}): void => {
    for (let i = 0; i < count; i += 1)
      enqueue(to, { bytes, queuedIn: null, origin: { bulk, offset: i } } as unknown as Work, 'arrivals');
  };
  const lane = (tenant: string, name: string, count: number, concurrencyMax = 100, what: What = {}): Lane => {
    const { answers = true, ...sizes } = what;
    const owner = {
      takeDue: () => undefined,
      mayStart: () => mayStart,
      start: ({ bytes }: Work, kind: WorkKind) => {
        started.push(name);
        if (name === 'put instead') return false;
        flying.push({ lane: made, kind, bytes });
        return true;
      },
    };
    const made = createLane(owner, name, tenant, { concurrency: concurrencyMax });
    if (answers) made.answering.answered();
    made.gate = { kind: 'open' };
    made.concurrency.setCap(concurrencyMax);
    add(made, count, sizes);
    return made;
  };
  const endOne = (isMeant: (one: (typeof flying)[number]) => boolean = () => true): void => {
    const at = flying.findIndex(isMeant);
    const [ended] = at < 0 ? [] : flying.splice(at, 1);
    if (ended !== undefined) scheduler.ended(ended.lane, ended.bytes, ended.kind);
  };
  const stop = (): void => {
    mayStart = false;
  };
  return { clock, scheduler, unwritten, started, flying, lane, add, endOne, stop };
}

test('tenants take turns, then the lanes of each, whatever they have queued', () => {
  const { scheduler, started, lane, endOne } = setUp({ podInFlightMax: 1 });
  const first = lane('other', 'warm-up', 1);
  scheduler.ready(first);
  for (const one of [lane('big', 'big-1', 50), lane('big', 'big-2', 50), lane('small', 'small-1', 50)])
    scheduler.ready(one);
  for (let i = 0; i < 8; i += 1) endOne();
  assert.deepEqual(started.slice(1), ['big-1', 'small-1', 'big-2', 'small-1', 'big-1', 'small-1', 'big-2', 'small-1']);
});

test('a lane has at most its concurrency limit in flight, and at most its part of the pod', () => {
  const { scheduler, started, lane } = setUp({ podInFlightMax: 100, laneInFlightFraction: 0.05 });
  scheduler.ready(lane('a', 'narrow', 50, 3));
  scheduler.ready(lane('a', 'wide', 50, 64));
  assert.equal(started.filter((name) => name === 'narrow').length, 3);
  assert.equal(started.filter((name) => name === 'wide').length, 5);
});

test('a lane has at most its part of the bytes in flight, and one delivery whatever its size', () => {
  const bounds = { podInFlightMax: 100, laneInFlightFraction: 0.05 };
  const { scheduler, started, lane } = setUp({ ...bounds, podInFlightBytesMax: 600 });
  scheduler.ready(lane('a', 'three', 50));
  assert.equal(started.length, 3);
  const tiny = setUp({ ...bounds, podInFlightBytesMax: 20 });
  tiny.scheduler.ready(tiny.lane('a', 'one', 50));
  assert.equal(tiny.started.length, 1);
});

test('the pod has at most its limit in flight, and goes on as requests end', () => {
  const { scheduler, started, lane, endOne } = setUp({ podInFlightMax: 10 });
  scheduler.ready(lane('a', 'one', 50));
  assert.equal(started.length, 10);
  endOne();
  endOne();
  assert.equal(started.length, 12);
  assert.equal(scheduler.inFlight, 10);
  assert.equal(scheduler.bytesInFlight, 100);
});

test('nothing starts while too many results are not written, and all goes on when they are', () => {
  const { scheduler, unwritten, started, lane } = setUp({ podInFlightMax: 10 });
  unwritten.records = 10;
  scheduler.ready(lane('a', 'one', 5));
  assert.equal(started.length, 0);
  unwritten.records = 3;
  scheduler.written();
  assert.equal(started.length, 5);
});

test('a lane that is held starts when its time has come', async () => {
  const { clock, scheduler, started, lane } = setUp({ podInFlightMax: 10 });
  const held = lane('a', 'held', 5);
  held.heldUntil = clock.monotonic() + 500;
  scheduler.ready(held);
  await clock.advance(499);
  assert.equal(started.length, 0);
  await clock.advance(1);
  assert.equal(started.length, 5);
});

test('a dropped lane gives its room back and starts nothing more', () => {
  const { scheduler, started, lane, stop } = setUp({ podInFlightMax: 4 });
  const gone = lane('a', 'gone', 50);
  scheduler.ready(gone);
  assert.equal(scheduler.inFlight, 4);
  stop();
  scheduler.drop(gone);
  assert.equal(scheduler.inFlight, 0);
  assert.equal(started.length, 4);
});

test('live, retry and bulk work share the pod, and an idle share is used by the others', () => {
  const { scheduler, lane, flying, endOne } = setUp({ podInFlightMax: 100 });
  scheduler.ready(lane('a', 'bulk', 500, 500, { bulk: true }));
  assert.deepEqual([scheduler.inFlightAs('bulk'), scheduler.inFlight], [90, 90]);
  scheduler.ready(lane('a', 'live', 500, 500));
  assert.equal(scheduler.inFlightAs('live'), 10);
  for (let i = 0; i < 90; i += 1) endOne(({ kind }) => kind === 'bulk');
  assert.deepEqual([scheduler.inFlightAs('bulk'), scheduler.inFlightAs('live')], [10, 90]);
  assert.equal(flying.length, 100);
});

test('in one lane live work goes before bulk work, which has one start of ten', () => {
  const { scheduler, lane, add, flying, endOne } = setUp({ podInFlightMax: 10 });
  const both = lane('a', 'both', 50, 1, { bulk: true });
  add(both, 50);
  scheduler.ready(both);
  const kinds: string[] = [];
  for (let i = 0; i < 40; i += 1) {
    kinds.push(flying[0]?.kind ?? '');
    endOne();
  }
  assert.equal(kinds.filter((kind) => kind === 'bulk').length, 4, kinds.join());
});

test('a lane whose bulk work waits for its share starts its live work meanwhile', () => {
  const { scheduler, lane, add, started } = setUp({ podInFlightMax: 10 });
  scheduler.ready(lane('a', 'busy', 50, 50, { bulk: true }));
  const waits = lane('a', 'waits', 5, 5, { bulk: true });
  scheduler.ready(waits);
  assert.equal(started.includes('waits'), false);
  add(waits, 1);
  scheduler.ready(waits);
  assert.equal(started.filter((name) => name === 'waits').length, 1);
});

test('requests of one tenant that hang do not fill the pod: another has its turn at once, and soon its part', () => {
  const { scheduler, lane, started, endOne } = setUp({ podInFlightMax: 100 });
  scheduler.ready(lane('early', 'early', 1));
  endOne();
  for (let i = 0; i < 30; i += 1) scheduler.ready(lane('hangs', `hangs-${i}`, 50, 16));
  assert.equal(scheduler.inFlight, 90);
  for (let i = 0; i < 10; i += 1) scheduler.ready(lane('other', `other-${i}`, 50, 16));
  const others = (): number => started.filter((name) => name.startsWith('other')).length;
  assert.equal(others(), 10);
  for (let i = 0; i < 40; i += 1) endOne(({ lane: { tenant } }) => tenant === 'hangs');
  assert.equal(others(), 50);
});

/** Lanes of as many tenants, each of which has sent a request. */
const readyAll = ({ scheduler, lane }: ReturnType<typeof setUp>, count: number, what: What, concurrency = 1) =>
  Array.from({ length: count }, (_, i) => {
    const made = lane(`t${i}`, 'one-of-many', 50, concurrency, what);
    scheduler.ready(made);
    return made;
  });

test('endpoints that keep requests waiting have a quarter of the pod together, whoever’s they are', async () => {
  const set = setUp({ podInFlightMax: 100 });
  const { scheduler, clock, lane, started, endOne } = set;
  const silent = readyAll(set, 20, {}, 2);
  assert.equal(started.length, 40);
  await clock.advance(limits.unansweredQuietMs);
  for (let i = 0; i < 40; i += 1) endOne();
  assert.equal(started.length, 40 + 25);
  assert.equal(scheduler.inFlightAs('unanswered'), 25);
  scheduler.ready(lane('t1', 'answers', 100));
  assert.equal(started.filter((name) => name === 'answers').length, 65);
  for (const { answering } of silent) answering.answered();
  endOne(({ kind }) => kind === 'unanswered');
  assert.equal(scheduler.inFlightAs('unanswered'), 24);
  assert.equal(scheduler.inFlight, 90);
});

test('endpoints that are not known to answer leave half of the pod to those that are, however many there are', () => {
  const set = setUp({ podInFlightMax: 100 });
  readyAll(set, 200, { answers: false });
  assert.equal(set.started.length, 50);
  set.scheduler.ready(set.lane('t1', 'answers', 100));
  assert.equal(set.started.filter((name) => name === 'answers').length, 40);
});

test('endpoints of a host that answers none of them count as those that keep requests waiting', async () => {
  const set = setUp({ podInFlightMax: 100 });
  const host = createAnswering();
  const askAll = (count: number): void => {
    for (let i = 0; i < count; i += 1) {
      const made = set.lane(`t${i}`, 'of-the-host', 1);
      made.hostAnswering = host;
      set.scheduler.ready(made);
    }
  };
  askAll(limits.hostQuietRequests);
  await set.clock.advance(limits.unansweredQuietMs);
  askAll(60);
  assert.deepEqual([set.scheduler.inFlightAs('live'), set.scheduler.inFlightAs('unanswered')], [16, 25]);
  host.answered();
  askAll(1);
  assert.equal(set.scheduler.inFlightAs('live'), 17);
});

test('a tenant of large bodies has fewer turns', () => {
  const { scheduler, lane, started, endOne } = setUp({ podInFlightMax: 1 });
  scheduler.ready(lane('a', 'warm-up', 1));
  scheduler.ready(lane('a', 'large', 50, 16, { bytes: 4 * 64 * 1_024 }));
  scheduler.ready(lane('b', 'small', 50, 16));
  for (let i = 0; i < 24; i += 1) endOne();
  const large = started.filter((name) => name === 'large').length;
  assert.ok(large >= 3 && large <= 6, started.join());
});

test('a dropped lane gives back what it had in flight of each kind, and its turn', () => {
  const { scheduler, lane, add } = setUp({ podInFlightMax: 10 });
  const gone = lane('a', 'gone', 20, 20, { bulk: true });
  add(gone, 5);
  scheduler.ready(gone);
  scheduler.drop(gone);
  assert.deepEqual([scheduler.inFlight, scheduler.inFlightAs('live'), scheduler.inFlightAs('bulk')], [0, 0, 0]);
  assert.equal(gone.rotating, null);
});

test('however long each takes to start, no more start together', () => {
  const { clock, scheduler, lane, started } = setUp({ podInFlightMax: 100, startsTogetherMax: 4 });
  let now = 0;
  clock.monotonic = () => (now += 10);
  scheduler.ready(lane('a', 'much', 50));
  assert.equal(started.length, 4);
});

test('what is put instead of sent does not go on for ever either', () => {
  const { scheduler, lane, started } = setUp({ podInFlightMax: 100, startsTogetherMax: 4 });
  scheduler.ready(lane('a', 'put instead', 50));
  assert.equal(started.length, 4);
});

test('where much waits a few start, and the next ones when answers had their turn; whoever’s turn it is', async () => {
  const { clock, scheduler, lane, started, endOne } = setUp({ podInFlightMax: 100, startsTogetherMax: 4 });
  scheduler.ready(lane('a', 'much', 50));
  scheduler.ready(lane('b', 'little', 1));
  assert.deepEqual(started, ['much', 'much', 'much', 'much']);
  endOne();
  assert.equal(started.length, 4);
  await clock.advance(1);
  assert.deepEqual(started.slice(4, 8), ['much', 'little', 'much', 'much']);
  assert.equal(scheduler.inFlight, 50);
});
