/**
 * What destinations are sent. Of the cap alone: lanes whose starts are recorded, of tenants that wait for one destination.
 * Of whole dispatchers on the fake Kafka: receipts. Doubles: the store that processes share, and which address a host has.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { createHarness, type Harness } from '../testing/harness.ts';
import { createDestinationCap } from './destination-cap.ts';
import { byAddress, byDomain } from './destination-of.ts';
import { createLane, enqueue, type Lane } from './lane.ts';
import { createScheduler } from './scheduler.ts';
import { createStoreCalls } from './store-calls.ts';
import type { SharedRate } from './shared-rate.ts';
import type { WorkKind } from '@postrider/core';
import type { Work } from './work.ts';

const second = 1_000;

/** Lanes on a scheduler with a cap; what starts ends at once. */
function setUp(perSecond: number, rate: SharedRate | null = null) {
  const clock = createFakeClock();
  const told: string[] = [];
  const calls = createStoreCalls({ clock, leftAlone: () => told.push('left alone'), back: () => told.push('back') });
  const shared = rate === null ? null : { rate, calls };
  const cap = createDestinationCap({ clock, perSecond, destinationOf: byDomain, shared });
  const scheduler = createScheduler(clock, { records: 0 }, undefined, cap);
  const started: { readonly tenant: string; readonly name: string; readonly at: number }[] = [];
  const lane = (tenant: string, name: string, count: number, host = `${name}.example.com`): Lane => {
    const start = (work: Work, kind: WorkKind): boolean => {
      started.push({ tenant, name, at: clock.monotonic() });
      clock.after(1, () => scheduler.ended(made, work.bytes, kind));
      return true;
    };
    const made = createLane({ takeDue: () => undefined, mayStart: () => true, start }, name, tenant, {
      concurrency: 16,
    });
    made.answering.answered();
    Object.assign(made, { gate: { kind: 'open' }, host });
    made.concurrency.setCap(16);
    for (let i = 0; i < count; i += 1)
      enqueue(made, { bytes: 10, queuedIn: null, origin: { bulk: false, offset: i } } as unknown as Work, 'arrivals');
    scheduler.ready(made);
    return made;
  };
  return { clock, cap, started, lane, told };
}

const countOf = (started: readonly { readonly tenant: string }[], tenant: string): number =>
  started.filter((one) => one.tenant === tenant).length;

/** Most starts in any second, but for a hair's breadth of rounding. */
const mostInASecond = (times: readonly number[]): number =>
  Math.max(0, ...times.map((at) => times.filter((other) => other >= at && other < at + second - 1).length));

test('a destination is sent no more than its cap by all lanes together, and no less while they have something', async () => {
  const { clock, started, lane, cap } = setUp(50);
  for (let i = 0; i < 30; i += 1) lane(`t${i % 3}`, `host-${i}`, 20);
  lane('t0', 'elsewhere', 40, 'example.org');
  await clock.advance(10 * second);
  const here = started.filter(({ name }) => name !== 'elsewhere').map(({ at }) => at);
  assert.ok(mostInASecond(here) <= 50, `${mostInASecond(here)} in a second`);
  assert.ok(here.length >= 450, `${here.length}`);
  assert.equal(countOf(started, 't0') + countOf(started, 't1') + countOf(started, 't2'), here.length + 40);
  assert.ok(cap.waiting > 0);
});

test('a tenant with a hundred endpoints at a destination gets no more of it than one with one', async () => {
  const { clock, started, lane } = setUp(20);
  for (let i = 0; i < 100; i += 1) lane('big', `big-${i}`, 20);
  lane('small', 'small', 200);
  await clock.advance(10 * second);
  const [big, small] = [countOf(started, 'big'), countOf(started, 'small')];
  assert.ok(Math.abs(big - small) <= 3 && big + small >= 180, `${big} and ${small}`);
});

test('what a tenant does not use falls to the others', async () => {
  const { clock, started, lane } = setUp(20);
  lane('big', 'big', 500);
  lane('small', 'small', 5);
  await clock.advance(10 * second);
  assert.equal(countOf(started, 'small'), 5);
  assert.ok(countOf(started, 'big') >= 180, `${countOf(started, 'big')}`);
});

test('a lane that cannot use its turn any more leaves it to the next, and asks anew when it can', async () => {
  const { clock, started, lane } = setUp(1);
  lane('a', 'first', 2);
  const kept = lane('b', 'kept', 2);
  lane('c', 'next', 2);
  kept.gate = { kind: 'disabled' };
  await clock.advance(6 * second);
  assert.deepEqual([countOf(started, 'a'), countOf(started, 'b'), countOf(started, 'c')], [2, 0, 2]);
  assert.ok(!kept.awaitsTurn);
});

test('requests for tokens are among what a destination is sent, and take turns with what lanes start', async () => {
  const { clock, started, lane, cap } = setUp(10);
  const asked = { host: 'id.example.com', withinMs: 60 * second };
  const granted: number[] = [];
  lane('busy', 'busy', 300);
  for (let i = 0; i < 50; i += 1)
    cap.awaitTurn({ ...asked, tenant: 'tokens' }, (isGranted) => isGranted && granted.push(clock.monotonic()));
  await clock.advance(9 * second);
  assert.ok(mostInASecond([...started.map(({ at }) => at), ...granted]) <= 10);
  const sum = started.length + granted.length;
  assert.ok(sum >= 80 && Math.abs(started.length - granted.length) <= 2, `${started.length} and ${granted.length}`);
});

test('a request for a token comes before the lanes of its tenant, and after no more than one of each other tenant', async () => {
  const { clock, cap, started, lane } = setUp(10);
  for (let i = 0; i < 200; i += 1) lane(`t${i % 4}`, `lane-${i}`, 20);
  await clock.advance(second);
  const told: string[] = [];
  for (const name of ['first', 'second'])
    cap.awaitTurn({ host: 'id.example.com', tenant: 't0', withinMs: second }, (granted) =>
      told.push(`${name} ${granted}`),
    );
  const before = started.length;
  await clock.advance(second);
  assert.deepEqual(told, ['first true', 'second true']);
  const others = started.slice(before).filter(({ tenant }) => tenant !== 't0').length;
  assert.ok(others >= 6, `${others}`);
});

test('a request for a token whose turn does not come in time is told so, and costs none', async () => {
  const { clock, cap } = setUp(1);
  const told: string[] = [];
  const ask = (name: string, withinMs: number) =>
    cap.awaitTurn(
      { host: 'id.example.com', tenant: name, withinMs },
      (granted) => void told.push(`${name} ${granted}`),
    );
  ask('first', second);
  assert.deepEqual(told, ['first true']);
  ask('hasty', second / 2);
  ask('patient', 5 * second);
  await clock.advance(1.2 * second);
  assert.deepEqual(told, ['first true', 'hasty false', 'patient true']);
  ask('last', 5 * second);
  cap.close();
  assert.deepEqual(told.at(-1), 'last false');
});

test('destinations that nothing is sent to are forgotten', async () => {
  const { clock, lane, cap } = setUp(10);
  for (let i = 0; i < 100; i += 1) lane('a', `a-${i}`, 1, `host-${i}.test`);
  await clock.advance(10 * second);
  assert.deepEqual([cap.waiting, cap.known], [0, 100]);
  cap.tick();
  assert.equal(cap.known, 0);
});

test('a store that is shared says who starts; while it fails or hangs each process has its own part', async () => {
  let behaviour: 'good' | 'fails' | 'hangs' = 'good';
  const asked: number[] = [];
  const rate: SharedRate = {
    take: (_, perSecond, wanted) => {
      asked.push(perSecond);
      if (behaviour === 'fails') return Promise.reject(new Error('ECONNREFUSED'));
      if (behaviour === 'hangs') return new Promise(() => undefined);
      return Promise.resolve({ granted: new Map([...wanted.keys()].map((tenant) => [tenant, 1])), waitMs: 100 });
    },
  };
  const { clock, started, lane, cap, told } = setUp(40, rate);
  cap.setShare(0.25);
  lane('a', 'one', 2_000);
  lane('b', 'two', 2_000);
  const inTenSeconds = async (): Promise<number> => {
    const before = started.length;
    await clock.advance(10 * second);
    return started.length - before;
  };
  assert.ok(Math.abs((await inTenSeconds()) - 200) <= 4, 'two each time it is asked');
  for (const next of ['fails', 'hangs'] as const) {
    behaviour = next;
    const count = await inTenSeconds();
    assert.ok(count >= 90 && count <= 104, `${next}: ${count}`);
  }
  assert.ok(asked.length < 400 && asked.every((perSecond) => perSecond === 40));
  assert.deepEqual(told, ['left alone']);
  behaviour = 'good';
  await clock.advance(40 * second);
  assert.deepEqual(told, ['left alone', 'back']);
});

test('a destination is a registrable domain, or an address that is asked for once and again when it is old', async () => {
  const never = (): void => assert.fail('it is known at once');
  for (const [host, domain] of [
    ['hooks.eu.example.co.uk', 'example.co.uk'],
    ['a.example.com', 'example.com'],
    ['shop-a.github.io', 'shop-a.github.io'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::2:1', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['co.uk', 'co.uk'],
  ] as const) {
    assert.equal(byDomain(host, never), domain);
  }
  const clock = createFakeClock();
  const asked: string[] = [];
  let address = '192.0.2.1';
  const of = byAddress(clock, (host) => {
    asked.push(host);
    return host === 'nowhere.test' ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(address);
  });
  let known = 0;
  const learnt = (): void => void (known += 1);
  assert.equal(of('a.test', learnt), null);
  assert.equal(of('a.test', learnt), null);
  assert.equal(of('nowhere.test', learnt), null);
  await clock.advance(0);
  assert.equal(known, 3);
  assert.deepEqual([of('a.test', never), of('nowhere.test', never)], ['192.0.2.1', 'nowhere.test']);
  address = '2001:db8::a:b';
  await clock.advance(10 * second);
  assert.equal(of('a.test', never), '192.0.2.1');
  await clock.advance(0);
  assert.equal(of('a.test', never), '2001:db8:0:0::/64');
  assert.deepEqual(asked, ['a.test', 'nowhere.test', 'a.test']);
});

/** Endpoints that stand at one domain, and what is for each of them. */
function crowd(h: Harness, endpoints: number, each: number, partitions = 1): void {
  for (let i = 0; i < endpoints; i += 1) {
    h.config.endpoint(`shop-${i}`, { url: `https://shop-${i}.example.net/shop-${i}` });
    for (let n = 0; n < each; n += 1) h.deliver(`order-${i}-${n}`, `shop-${i}`, { partition: i % partitions });
  }
}

for (const by of ['domain', 'address'] as const) {
  test(`endpoints of one ${by} are sent no more than its cap; what waits uses no attempt, and others are not slowed`, async () => {
    const h = createHarness();
    crowd(h, 10, 10);
    h.config.endpoint('other', { url: 'https://other.example.org/other' });
    for (let n = 0; n < 50; n += 1) h.deliver(`other-${n}`, 'other');
    const addressOf = (host: string) => Promise.resolve(host.endsWith('.example.net') ? '192.0.2.7' : '192.0.2.8');
    const cap = { destinationRateMax: 20, destinationBy: by };
    const dispatcher = await h.start('a', { ...cap, concurrencyStart: 16 }, { addressOf });
    await h.until(() => h.receipts.length === 150, 'all are sent', 60 * second);
    const times = h.receipts.filter(({ path }) => path.startsWith('/shop-')).map(({ at }) => at);
    assert.ok(mostInASecond(times) <= 20, `${mostInASecond(times)} in a second`);
    const lastsMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
    assert.ok(lastsMs >= 4 * second && lastsMs <= 6 * second, `${lastsMs} ms`);
    await h.until(() => h.watermark() === 150, 'all are done', 60 * second);
    assert.ok(h.attempts().every(({ number }) => number === 1));
    await h.stop(dispatcher);
  });
}

test('dispatchers that share nothing have the part of the cap that they have of the partitions', async () => {
  const h = createHarness({ partitions: 4 });
  const cap = { destinationRateMax: 20 };
  const a = await h.start('a', cap);
  const b = await h.start('b', cap);
  const owned = (name: string) => [0, 1, 2, 3].filter((p) => h.ownership(p).processId === name).length;
  await h.until(() => owned('a') === 2 && owned('b') === 2, 'both own two', 120 * second);
  crowd(h, 8, 50, 4);
  await h.until(() => h.receipts.length === 400, 'all are sent', 60 * second);
  const times = h.receipts.map(({ at }) => at);
  assert.ok(mostInASecond(times) <= 22, `${mostInASecond(times)} in a second`);
  const lastsMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  assert.ok(lastsMs >= 18 * second && lastsMs <= 24 * second, `${lastsMs} ms`);
  await h.stop(a);
  await h.stop(b);
});
