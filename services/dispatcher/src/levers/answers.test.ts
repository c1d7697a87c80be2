/** What a dispatcher answers about its deliveries, on the fake Kafka. Observed: answers, receipts, and topics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { DeliveryStage, LaneGate, MoveTo } from '@postrider/contract/postrider/v1/delivery_service';
import { deliveryId, encodeClaim, isPostriderError, limits } from '@postrider/core';
import { createMetrics } from '@postrider/runtime';
import { createHarness, type Harness, type TestDispatcher } from '../../testing/harness.ts';

const delays = { $case: 'delays' as const, value: { delays: [{ seconds: 3_000n, nanos: 0 }] } };
const ordering = { mode: 'ORDERING_MODE_ENDPOINT' as const, keyHash: 0n, seq: 0n };

const nameOf = (webhook: string, endpoint = 'shop') => ({
  partition: 0,
  endpointUid: `ep_${endpoint}`,
  deliveryId: deliveryId(webhook, `ep_${endpoint}`),
  runId: '',
});
const explain = ({ answers }: TestDispatcher, webhook: string, endpoint?: string) =>
  answers.explainWork({ work: nameOf(webhook, endpoint) });
const backlog = ({ answers }: TestDispatcher, endpoint = 'shop') =>
  answers.describeBacklog({ partition: 0, endpointUid: `ep_${endpoint}` });
const counts = (told: ReturnType<typeof backlog>) =>
  Object.fromEntries(told.reasons.map(({ reason, count }) => [reason, Number(count)]));
const refuses = (code: 'not_found' | 'failed_precondition' | 'unavailable' | 'internal', call: () => unknown) =>
  assert.throws(call, (error) => isPostriderError(error, code));

/** What is answered in time, or why not. */
async function told<T>(h: Harness, answer: Promise<T>): Promise<T> {
  let over = false;
  const settled = answer.finally(() => (over = true));
  settled.catch(() => undefined);
  await h.until(() => over, 'there is an answer');
  return await settled;
}

/** One delivery waits for its retry, one is in flight, one queued. */
async function threeStages(): Promise<{ h: Harness; a: TestDispatcher; ids: readonly string[] }> {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: delays }, limits: { concurrencyMax: 1 } });
  h.endpointsAnswer(({ body }) => (body.includes('first') ? 500 : { afterMs: 10_000, status: 200 }));
  const a = await h.start('a');
  const first = h.deliver('first', 'shop');
  await h.until(() => h.allRows().length === 1, 'a retry waits');
  const second = h.deliver('second', 'shop');
  const third = h.deliver('third', 'shop');
  await h.until(() => h.receipts.length === 2, 'the second is in flight');
  return { h, a, ids: [first, second, third] };
}

test('a delivery is told to wait, to be in flight, or to be queued, with the reason and what is known of it', async () => {
  const { h, a, ids } = await threeStages();
  const [first, second, third] = ids.map((id) => explain(a, id));
  assert.equal(first?.stage, DeliveryStage.WAITING);
  assert.equal(first?.reason, WaitReason.RETRY);
  assert.deepEqual([first?.attempts, first?.last?.status, first?.tier], [1, 500, 'retry.1h']);
  assert.ok((first?.dueTime?.getTime() ?? 0) > h.clock.now() + 2_900_000);
  assert.match(first?.summary ?? '', /retry tier retry\.1h.*due at 2.*Attempts so far: 1/);
  assert.equal(second?.stage, DeliveryStage.IN_FLIGHT);
  assert.deepEqual([third?.stage, third?.reason, third?.tier], [DeliveryStage.QUEUED, WaitReason.LANE_FULL, '']);
  assert.equal(third?.dispatcher, 'dispatchers/a');
  refuses('not_found', () => explain(a, ids[0] ?? '', 'other'));
  refuses('unavailable', () => a.answers.explainWork({ work: { ...nameOf(ids[0] ?? ''), partition: 7 } }));
  await h.stop(a);
});

test('the backlog of an endpoint adds up what waits by what keeps it now, and tells how its lane stands', async () => {
  const { h, a } = await threeStages();
  const told = backlog(a);
  assert.deepEqual([told.waiting, told.queued, told.inFlight, told.counted], [1n, 1n, 1, 2n]);
  assert.deepEqual(counts(told), { [WaitReason.RETRY]: 1, [WaitReason.LANE_FULL]: 1 });
  assert.equal(told.oldestTime?.getTime(), h.allRows()[0]?.delivery.firstSeen?.getTime());
  assert.equal(told.nextDueTime?.getTime(), h.clock.now());
  assert.ok(told.bytes > 0n);
  assert.deepEqual([told.lane?.gate, told.lane?.concurrencyLimit], [LaneGate.OPEN, 1]);
  assert.match(told.summary, /1 wait, 1 are queued; 1 in flight/);
  h.config.pause('tenants/acme', { reason: 'the partner is down' });
  await h.until(() => backlog(a).waiting === 2n, 'what was queued is put');
  const paused = backlog(a);
  assert.deepEqual(counts(paused), { [WaitReason.PAUSED]: 2 });
  assert.equal(paused.lane?.gate, LaneGate.PAUSED);
  assert.match(paused.summary, /tenants\/acme is paused until it is resumed.*the partner is down/);
  assert.deepEqual([backlog(a, 'nobody').waiting, backlog(a, 'nobody').lane], [0n, undefined]);
  await h.stop(a);
});

test('a long backlog is counted in full, and looked at one by one only so far', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { state: 'ENDPOINT_STATE_DISABLED' });
  const many = limits.backlogCountedMax + 50;
  for (let i = 0; i < many; i += 1) h.deliver(`e${i}`, 'shop');
  const a = await h.start('a');
  await h.until(() => h.watermark() === many, 'all wait', 600_000);
  const told = backlog(a);
  assert.deepEqual([told.waiting, told.counted], [BigInt(many), BigInt(limits.backlogCountedMax)]);
  assert.deepEqual(counts(told), { [WaitReason.DISABLED]: limits.backlogCountedMax });
  await h.stop(a);
});

test('a delivery that is skipped is cancelled, and what stands behind it in its order goes on', async () => {
  const h = createHarness();
  const policy = { onExhausted: 'ON_EXHAUSTED_STOP' as const, mode: ordering.mode, key: '' };
  h.config.endpoint('shop', { ordering: policy, retryPolicy: { schedule: delays } });
  h.endpointsAnswer(({ body }) => (body.includes('bad') ? 500 : 200));
  const a = await h.start('a');
  const bad = h.deliver('bad', 'shop', { ordering });
  const good = h.deliver('good', 'shop', { ordering });
  await h.until(() => h.allRows().length === 1, 'the first waits');
  assert.equal(explain(a, good).reason, WaitReason.ORDER);
  const skipping = a.answers.skipWork({ work: nameOf(bad), detail: 'key:ops: a broken event' });
  assert.equal(explain(a, bad).stage, DeliveryStage.BEING_WRITTEN);
  const skipped = await told(h, skipping);
  assert.deepEqual([skipped.stage, skipped.cancelReason], [DeliveryStage.CANCELLED, CancelReason.REQUESTED]);
  await h.until(() => h.received('good').length === 1, 'order goes on');
  await h.until(() => h.watermark() === 2 && h.allRows().length === 0, 'all has ended');
  const record = h.attempts().find(({ decision }) => decision?.decision?.$case === 'cancelled');
  assert.equal(record?.detail, 'key:ops: a broken event');
  refuses('not_found', () => explain(a, bad));
  await h.stop(a);
});

test('a skip is told to be done when it is written, and to be unknown when the partition is lost before', async () => {
  const { h, a, ids } = await threeStages();
  h.kafka.failNextProduce('postrider.attempts', { kind: 'delay-answer', ms: 6_000 });
  const late = await told(h, a.answers.skipWork({ work: nameOf(ids[0] ?? ''), detail: 'x' }));
  assert.equal(late.stage, DeliveryStage.BEING_WRITTEN);
  await h.until(() => h.allRows().length === 0, 'it has ended all the same', 120_000);
  h.kafka.failNextProduce('postrider.attempts', { kind: 'silence', stored: false });
  const lost = told(h, a.answers.skipWork({ work: nameOf(ids[2] ?? ''), detail: 'x' }));
  const { epoch } = h.ownership();
  const claim = encodeClaim({ processId: 'b', randomId: Buffer.alloc(16, 1), followsEpoch: epoch });
  h.kafka.append('postrider.ownership', 0, { key: Buffer.from('owner'), value: claim });
  await assert.rejects(lost, (error) => isPostriderError(error, 'unavailable') && /lost before/.test(error.message));
});

test('a skip that fails by a fault of ours is not told to be done: the delivery goes on', async () => {
  const metrics = createMetrics();
  const counter: typeof metrics.counter = (name, ...rest) => {
    const family = metrics.counter(name, ...rest);
    if (name !== 'postrider_cancelled_deliveries') return family;
    return { ...family, with: () => assert.fail('a fault of ours') };
  };
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: delays } });
  h.endpointsAnswer(() => 500);
  const a = await h.start('a', {}, { metrics: { ...metrics, counter } });
  const id = h.deliver('order', 'shop');
  await h.until(() => h.allRows().length === 1, 'a retry waits');
  refuses('internal', () => a.answers.skipWork({ work: nameOf(id), detail: 'x' }));
  await h.until(() => h.receipts.length === 2, 'it is attempted again');
  await h.stop(a);
});

test('what was given up and stops its order is told to wait for a person, is not moved, and is let go by a skip', async () => {
  const h = createHarness();
  const policy = { onExhausted: 'ON_EXHAUSTED_STOP' as const, mode: ordering.mode, key: '' };
  h.config.endpoint('shop', {
    ordering: policy,
    retryPolicy: { schedule: { $case: 'delays', value: { delays: [] } } },
  });
  h.endpointsAnswer(({ body }) => (body.includes('bad') ? 500 : 200));
  const a = await h.start('a');
  const bad = h.deliver('bad', 'shop', { ordering });
  const good = h.deliver('good', 'shop', { ordering });
  await h.until(
    () => h.allRows().length === 1 && explain(a, bad).stage === DeliveryStage.WAITING,
    'it stops its order',
  );
  assert.match(explain(a, bad).summary, /given up \(attempts: 1\).*waits for a person: skip it/);
  assert.equal(explain(a, good).reason, WaitReason.ORDER);
  assert.match(
    backlog(a).summary,
    new RegExp(` 1 given up, which stop their order and wait for a person: ${nameOf(bad).deliveryId}\\.`),
  );
  refuses('failed_precondition', () => a.answers.moveWork({ work: nameOf(bad), to: MoveTo.DUE_NOW }));
  refuses('failed_precondition', () => a.answers.moveWork({ work: nameOf(bad), to: MoveTo.BULK }));
  const skipped = await told(h, a.answers.skipWork({ work: nameOf(bad), detail: 'x' }));
  assert.equal(skipped.stage, DeliveryStage.CANCELLED);
  await h.until(() => h.received('good').length === 1, 'order goes on');
  assert.equal(h.received('bad').length, 1);
  await h.stop(a);
});

test('what is in flight is neither skipped nor moved; what is queued is skipped', async () => {
  const { h, a, ids } = await threeStages();
  const [, second = '', third = ''] = ids;
  refuses('failed_precondition', () => a.answers.skipWork({ work: nameOf(second), detail: 'x' }));
  refuses('failed_precondition', () => a.answers.moveWork({ work: nameOf(second), to: MoveTo.DUE_NOW }));
  void a.answers.skipWork({ work: nameOf(third), detail: 'x' });
  await h.until(() => h.watermark() === 3, 'all but the retry have ended');
  assert.equal(h.received('third').length, 0);
  assert.equal(h.received('second').length, 1);
  await h.stop(a);
});

test('a delivery that is moved to now is attempted at once, and keeps its count of attempts', async () => {
  const { h, a, ids } = await threeStages();
  const [first = ''] = ids;
  h.endpointsAnswer(() => 200);
  const at = h.clock.now();
  a.answers.moveWork({ work: nameOf(first), to: MoveTo.DUE_NOW });
  await h.until(() => h.received('first').length === 2, 'it is sent');
  assert.ok(h.clock.now() < at + 60_000);
  assert.equal(h.received('first')[1]?.attempt, 2);
  await h.until(() => h.allRows().length === 0, 'its rows are gone');
  await h.stop(a);
});

test('a delivery that is moved behind live work starts after what came later, also after a takeover', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { state: 'ENDPOINT_STATE_DISABLED' });
  const a = await h.start('a');
  const early = h.deliver('early', 'shop');
  for (const event of ['second', 'third']) h.deliver(event, 'shop');
  await h.until(() => h.watermark() === 3, 'all wait');
  assert.equal(a.answers.moveWork({ work: nameOf(early), to: MoveTo.BULK }).bulk, true);
  await h.until(() => explain(a, early).stage === DeliveryStage.WAITING, 'its row is written');
  await h.stop(a);
  const b = await h.start('b');
  await h.until(() => backlog(b).waiting === 3n, 'all are loaded');
  assert.equal(explain(b, early).bulk, true);
  assert.match(explain(b, early).summary, /stands behind live work/);
  h.config.endpoint('shop', { limits: { concurrencyMax: 1 } });
  await h.until(() => h.receipts.length === 3, 'all are sent');
  assert.deepEqual(
    h.receipts.map(({ body }) => body),
    ['second', 'third', 'early'].map((event) => `{"id":"${event}"}`),
  );
  await h.stop(b);
});

test('a drained dispatcher gives its partitions to the others without a repeat, is not ready, and takes part again', async () => {
  const h = createHarness({ partitions: 4 });
  h.config.endpoint('shop');
  h.endpointsAnswer(() => ({ afterMs: 500, status: 200 }));
  const a = await h.start('a');
  const b = await h.start('b');
  const states = ({ answers }: TestDispatcher) => answers.describeProcess({}).partitions;
  await h.until(() => states(a)['serving'] === 2 && states(b)['serving'] === 2, 'both serve', 120_000);
  let sent = 0;
  const send = (): void => {
    for (let i = 0; i < 20; i += 1) h.deliver(`e${(sent += 1)}`, 'shop', { partition: i % 4 });
  };
  send();
  await h.until(() => h.receipts.length > 0, 'some are in flight');
  h.config.drain('a');
  send();
  await h.until(() => states(b)['serving'] === 4, 'b has all', 120_000);
  assert.deepEqual(states(a), {});
  const ready = a.ready();
  assert.match(ready.ok ? '' : ready.reason, /drained by tester/);
  assert.match(a.answers.describeProcess({}).troubles.join(), /drained by tester/);
  refuses('unavailable', () => backlog(a));
  await h.until(() => h.receipts.length >= 40, 'all are delivered');
  h.config.undrain('a');
  await h.until(() => states(a)['serving'] === 2 && states(b)['serving'] === 2, 'both serve again', 120_000);
  assert.equal(a.ready().ok, true);
  send();
  await h.until(() => h.receipts.length >= 60, 'all are delivered');
  assert.equal(h.receipts.length, 60);
  await h.stop(a);
  await h.stop(b);
});
