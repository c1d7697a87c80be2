/**
 * Something of ours throws, in one stage after the other, for one delivery: on the fake Kafka and the fake clock. Observed:
 * what endpoints received, what stands on the topics, the log. Another delivery follows.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { limits } from '@postrider/core';
import { createFakeClock } from '@postrider/kafka/testing';
import { createHarness, responded, type Harness } from '../testing/harness.ts';
import { createFaults, type FaultsOptions } from './faults.ts';
import { RowIndex, type RowFacts } from './row-index.ts';
import type { Send, SendResult } from './service.ts';
import { WorkTable } from './work-table.ts';
import type { IntakeOffset, Work } from './work.ts';

const fault = (): never => {
  throw new TypeError('planted');
};

/** A good answer of which reading one part throws. */
function poisoned(part: keyof SendResult): SendResult {
  return Object.defineProperty({ ...responded(200) }, part, { get: fault, enumerable: true });
}

const wrapSend =
  (answer: (done: (result: SendResult) => void) => void) =>
  (send: Send): Send =>
  (request, done) => {
    if (request.path === '/bad') answer(done);
    else send(request, done);
  };

interface Planted {
  readonly wrapSend?: (send: Send) => Send;
  /** Stages in which it is told that something threw. */
  readonly stage: string;
}

const isBad = (work: Pick<Work, 'lane'>): boolean => work.lane?.endpointId === 'ep_bad';

const plants: readonly [string, (t: TestContext) => Planted][] = [
  [
    'taking it in',
    (t) => {
      const { takeAgain } = WorkTable.prototype;
      t.mock.method(WorkTable.prototype, 'takeAgain', function (this: WorkTable, key: string, at: IntakeOffset) {
        return at.offset === 0 ? fault() : takeAgain.call(this, key, at);
      });
      return { stage: 'read' };
    },
  ],
  [
    'starting it',
    (t) => {
      const { takeOff } = WorkTable.prototype;
      t.mock.method(WorkTable.prototype, 'takeOff', function (this: WorkTable, work: Work) {
        return isBad(work) ? fault() : takeOff.call(this, work);
      });
      return { stage: 'start' };
    },
  ],
  ['sending it', () => ({ wrapSend: wrapSend(fault), stage: 'send' })],
  [
    'judging its answer',
    () => ({ wrapSend: wrapSend((done) => queueMicrotask(() => done(poisoned('kind')))), stage: 'classify' }),
  ],
  [
    'publishing what came of it',
    () => ({ wrapSend: wrapSend((done) => queueMicrotask(() => done(poisoned('timings')))), stage: 'publish' }),
  ],
  [
    'storing it',
    (t) => {
      const { describe } = RowIndex.prototype;
      t.mock.method(RowIndex.prototype, 'describe', function (this: RowIndex, row: number, facts: RowFacts) {
        return isBad(facts) ? fault() : describe.call(this, row, facts);
      });
      return { wrapSend: wrapSend((done) => queueMicrotask(() => done(responded(503)))), stage: 'publish' };
    },
  ],
];

for (const [what, plant] of plants) {
  test(`${what} throws: that delivery is tried again ${limits.internalFailuresMax} times at most and then dead; the next one goes at once`, async (t) => {
    const h = createHarness();
    h.config.endpoint('bad');
    h.config.endpoint('good');
    const { stage, ...more } = plant(t);
    const dispatcher = await h.start('a', {}, more);
    await h.until(() => told(h, 'partition.serving').length === 1, 'it serves');
    h.deliver('poison', 'bad');
    h.deliver('next', 'good');
    const since = h.clock.now();
    await h.until(() => h.received('next').length === 1, 'the next delivery', 10_000);
    assert.ok(h.clock.now() - since <= 1_000);
    await h.until(() => h.deadLetters().length === 1, 'it is given up', 3 * 3_600_000);
    const [dead] = h.deadLetters();
    assert.equal(dead?.letter.reason, DeadReason.INTERNAL_ERROR);
    assert.equal(dead.record.value?.toString(), '{"id":"poison"}');
    assert.ok(!dead.letter.detail.includes('planted'));
    const faults = told(h, 'delivery.fault');
    assert.ok(
      faults.some(({ fields }) => fields['stage'] === stage),
      JSON.stringify(faults[0]?.fields),
    );
    const failures = faults.map(({ fields }) => Number(fields['failures']));
    assert.equal(
      Math.max(...failures),
      faults.some(({ fields }) => fields['stage'] === 'put')
        ? limits.internalFailuresMax - 1
        : limits.internalFailuresMax,
    );
    await h.until(() => h.watermark() === 2 && h.allRows().length === 0, 'all is done', 60_000);
    assert.equal(told(h, 'partition.lost').length, 0);
    await h.stop(dispatcher);
  });
}

test('a fault that passes costs a delivery nothing but time', async () => {
  const h = createHarness();
  h.config.endpoint('bad');
  let left = 3;
  const dispatcher = await h.start(
    'a',
    {},
    {
      wrapSend: (send) => (request, done) => (left-- > 0 ? fault() : send(request, done)),
    },
  );
  h.deliver('order-1', 'bad');
  await h.until(() => h.received('order-1').length === 1 && h.watermark() === 1, 'it is delivered', 600_000);
  assert.equal(h.received('order-1')[0]?.attempt, 1);
  assert.deepEqual(h.deadLetters(), []);
  await h.stop(dispatcher);
});

test('what order kept from being put after a fault is not put once it has gone on by itself', async () => {
  const clock = createFakeClock();
  const work = { key: 'dlv_1', lane: {}, view: { internalFailures: 0 }, state: 'idle' } as unknown as Work;
  const put: Work[] = [];
  let loaded = false;
  const table = {
    works: new Map([[work.key, work]]),
    bytesOf: () => undefined,
    mayPut: () => loaded,
    put: (one: Work) => put.push(one),
  };
  const faults = createFaults({
    ...{ clock, events: { internalFault: () => undefined }, reign: { over: null, draining: false } },
    ...{ table: () => table, endings: () => ({ internalError: fault }) },
  } as unknown as FaultsOptions);
  faults.failed(work, 'read', new Error('planted'));
  await clock.advance(1_500);
  loaded = true;
  work.state = 'flying';
  await clock.advance(600_000);
  assert.deepEqual(put, []);
  // The same where nothing else takes it up.
  work.state = 'idle';
  faults.failed(work, 'read', new Error('planted'));
  assert.deepEqual(put, [work]);
});

function told(h: Harness, message: string) {
  return h.log.lines.filter((line) => line.message === message);
}
