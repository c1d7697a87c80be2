/** Answers that ask to wait, on the fake Kafka: what the delivery and its whole lane do then. Observed: receipts, and metrics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHarness, responded } from '../testing/harness.ts';

const second = 1_000;
const hour = 3_600 * second;
/** The schedule's own delay. */
const step = 20 * second;
const delays = { $case: 'delays' as const, value: { delays: [{ seconds: 20n, nanos: 0 }] } };

/** `waits`: how long the lane starts nothing, in milliseconds; null: the header is not understood. */
const rows: readonly (readonly [what: string, values: (now: number) => readonly string[], waits: number | null])[] = [
  ['0', () => ['0'], second],
  ['-5', () => ['-5'], null],
  ['120', () => ['120'], 120 * second],
  ['120.1', () => ['120.1'], null],
  ['a date that has passed', (now) => [new Date(now - 60_000).toUTCString()], second],
  ['a date in ten minutes', (now) => [new Date(now + 600_000).toUTCString()], 600 * second],
  ['the year 9999', () => ['Fri, 31 Dec 9999 23:59:59 GMT'], hour],
  ['20 digits', () => ['99999999999999999999'], hour],
  ['two headers', () => ['60', '120'], 120 * second],
  ['one header and junk', () => ['60', 'soon'], 60 * second],
  ['junk', () => ['soon'], null],
  ['nothing', () => [''], null],
];

for (const [what, values, waits] of rows) {
  test(`Retry-After: ${what} ${waits === null ? 'is ignored and counted' : `holds the whole lane for ${waits} ms`}`, async () => {
    const h = createHarness();
    h.config.endpoint('shop', { retryPolicy: { schedule: delays, jitter: 0 } });
    h.endpointsAnswer((_, earlier) => {
      const headers = values(h.clock.now()).flatMap((value) => ['retry-after', value]);
      return earlier === 0 && h.receipts.length === 1 ? responded(429, headers) : 200;
    });
    h.deliver('order-1', 'shop');
    const dispatcher = await h.start('a');
    await h.until(() => h.attempts().length === 1, 'the first attempt');
    const answeredAt = h.clock.now();
    h.deliver('order-2', 'shop');
    await h.until(() => h.receipts.length === 3, 'both are delivered', 2 * hour);
    const after = (event: string) => (h.received(event).at(-1)?.at ?? 0) - answeredAt;
    // A date has whole seconds, and the attempt was acknowledged a moment after it was answered.
    const slack = second + 100;
    const held = waits ?? 0;
    assert.ok(after('order-2') >= held - slack && after('order-2') <= held + 2 * slack, `${after('order-2')} ms`);
    const due = Math.max(step, held);
    assert.ok(after('order-1') >= due - slack && after('order-1') <= due + 2 * slack, `${after('order-1')} ms`);
    const ignored = h.log.lines.filter(({ message }) => message.includes('Retry-After'));
    assert.equal(ignored.length, values(0).some((value) => !/^(?:\d+|.*GMT)$/.test(value)) ? 1 : 0);
    await h.stop(dispatcher);
  });
}

test('what an endpoint asked for holds its whole lane also when another takes the partition over', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: delays, jitter: 0 } });
  h.endpointsAnswer(() => (h.receipts.length === 1 ? responded(429, ['retry-after', '600']) : 200));
  h.deliver('order-1', 'shop');
  const a = await h.start('a');
  await h.until(() => h.allRows().length === 1, 'the first waits');
  const answeredAt = h.clock.now();
  await h.stop(a);
  const b = await h.start('b');
  await h.until(() => h.ownership().processId === 'b' && h.ownership().progress !== null, 'b serves');
  await h.clock.advance(second);
  h.deliver('order-2', 'shop');
  await h.until(() => h.receipts.length === 3, 'both are delivered', hour);
  for (const event of ['order-1', 'order-2']) {
    const after = (h.received(event).at(-1)?.at ?? 0) - answeredAt;
    assert.ok(after >= 600 * second - 100 && after <= 602 * second, `${event} after ${after} ms`);
  }
  await h.stop(b);
});
