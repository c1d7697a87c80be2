/** What a dispatcher tells of its attempts and lanes, on the fake Kafka. Observed: metrics, spans, log lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics, type SpanFields } from '@postrider/runtime';
import { createHarness } from '../testing/harness.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const delays = { $case: 'delays' as const, value: { delays: [{ seconds: 600n, nanos: 0 }] } };

test('an attempt is one wide line, a span of the producer’s trace, and tells latency and lag by kind of work', async () => {
  const h = createHarness();
  const metrics = createMetrics();
  const spans: SpanFields[] = [];
  h.config.endpoint('shop', { retryPolicy: { schedule: delays, jitter: 0 } });
  h.endpointsAnswer((_receipt, earlier) => (earlier === 0 ? 500 : 200));
  const a = await h.start('a', {}, { metrics, spans: { on: true, add: (span) => void spans.push(span) } });
  h.deliver('traced', 'shop', { traceparent, tracestate: 'a=b' });
  h.deliver('bulky', 'shop', { bulk: true });
  await h.until(() => h.received('traced').length === 2 && h.received('bulky').length === 2, 'both', 1_200_000);
  await h.until(() => h.allRows().length === 0, 'all are delivered');
  const text = await metrics.text();
  const shows = (line: string) => assert.ok(text.split('\n').includes(line), `${line} is not in\n${text}`);
  shows('postrider_delivery_latency_seconds_count{attempts="later"} 2');
  shows('postrider_delivery_latency_seconds_bucket{attempts="later",le="60"} 0');
  shows('postrider_delivery_latency_seconds_bucket{attempts="later",le="3600"} 2');
  for (const [kind, count] of Object.entries({ live: 1, bulk: 1, retry: 2 }))
    shows(`postrider_due_lag_seconds_count{kind="${kind}"} ${count}`);
  assert.deepEqual(
    spans.filter((span) => span.traceparent !== '').map((span) => [span.linked, span.problem, span.tracestate]),
    [
      [false, 'status', 'a=b'],
      [true, undefined, 'a=b'],
    ],
  );
  const lines = h.log.lines.filter(({ message }) => message === 'delivery.attempted').map(({ fields }) => fields);
  const traced = lines.find((fields) => fields['traceparent'] === traceparent);
  assert.deepEqual([traced?.['number'], traced?.['status'], traced?.['decision']], [1, 500, 'retry']);
  assert.match(String(traced?.['dueAt']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  // The library takes thrice as long over a line with an object in it, and those of a dead endpoint come in crowds.
  for (const fields of lines)
    assert.deepEqual(
      Object.values(fields).filter((value) => typeof value === 'object' && value !== null),
      [],
    );
  await h.stop(a);
});

test('lanes and what waits are told by what keeps them now, and the oldest that only we keep by its kind', async () => {
  const h = createHarness();
  const metrics = createMetrics();
  h.config.endpoint('paused');
  h.config.endpoint('later', { retryPolicy: { schedule: delays, jitter: 0 } });
  h.config.endpoint('slow');
  h.config.endpoint('other');
  h.config.pause('tenants/acme/endpoints/paused', { endpointUid: 'ep_paused' });
  h.endpointsAnswer(({ path }) => (path === '/later' ? 500 : { afterMs: 14_000, status: 200 }));
  const a = await h.start('a', { inFlightMax: 1 }, { metrics });
  for (const endpoint of ['paused', 'later']) h.deliver('one', endpoint);
  await h.until(() => h.allRows().length === 2, 'one is paused and one waits');
  for (const event of ['first', 'second']) h.deliver(event, 'slow');
  await h.until(() => h.receipts.length === 2, 'all that the process may have in flight is in flight');
  const at = h.clock.now();
  await h.until(() => h.clock.now() >= at + 3_000, 'three seconds');
  // Behind its own endpoint, `second` waits longer; that is not our doing.
  h.deliver('one', 'other');
  await h.until(() => h.clock.now() >= at + 8_000, 'five more');
  const shown = new Map(
    (await metrics.text()).split('\n').map((line) => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))]),
  );
  assert.equal(shown.get('postrider_waiting_deliveries_by_reason{reason="paused"}'), 1);
  assert.equal(shown.get('postrider_waiting_deliveries_by_reason{reason="retry"}'), 1);
  assert.equal(shown.get('postrider_waiting_deliveries_by_reason{reason="disabled"}'), 0);
  assert.equal(shown.get('postrider_lanes{state="paused"}'), 1);
  const oldest = shown.get('postrider_oldest_due_seconds{kind="live"}') ?? 0;
  assert.ok(oldest >= 5 && oldest < 6, `${oldest} s`);
  assert.equal(shown.get('postrider_oldest_due_seconds{kind="retry"}'), 0);
  await h.stop(a);
});
