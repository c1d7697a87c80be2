import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './metrics.ts';
import { addProcessMetrics } from './process-metrics.ts';

test('counters, histograms and gauges are shown as Prometheus text', async () => {
  const metrics = createMetrics();
  const attempts = metrics.counter('postrider_attempts', 'Attempts by outcome', ['outcome']);
  attempts.with({ outcome: 'delivered' }).add();
  attempts.with({ outcome: 'delivered' }).add(2);
  attempts.with({ outcome: 'rejected' }).add();
  metrics.counter('postrider_ticks', 'Ticks').with({}).add();
  const seconds = metrics.histogram('postrider_attempt_seconds', 'Time of an attempt', [0.1, 1], ['pool']);
  seconds.with({ pool: 'a' }).record(0.5);
  metrics.gauge('postrider_in_flight', 'Requests in flight', () => 7);
  metrics.gauge('postrider_lag', 'Records behind', () => [[{ topic: 'deliveries' }, 3]]);
  const text = await metrics.text();
  for (const line of [
    'postrider_attempts_total{outcome="delivered"} 3',
    'postrider_attempts_total{outcome="rejected"} 1',
    'postrider_ticks_total 1',
    'postrider_attempt_seconds_bucket{pool="a",le="0.1"} 0',
    'postrider_attempt_seconds_bucket{pool="a",le="1"} 1',
    'postrider_attempt_seconds_count{pool="a"} 1',
    'postrider_in_flight 7',
    'postrider_lag{topic="deliveries"} 3',
    '# HELP postrider_attempts_total Attempts by outcome',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line} is not in\n${text}`);
  }
});

test('label values without end share one series', async () => {
  const metrics = createMetrics();
  const counter = metrics.counter('postrider_x', 'x', ['id']);
  for (let id = 0; id < 1_000; id++) counter.with({ id: String(id) }).add();
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('postrider_x_total{'));
  assert.equal(lines.length, 201);
  assert.ok(lines.includes('postrider_x_total{id="other"} 800'));
});

test('the series of the same labels is the same object', () => {
  const counter = createMetrics().counter('postrider_x', 'x', ['a']);
  assert.equal(counter.with({ a: '1' }), counter.with({ a: '1' }));
});

test('the process shows its memory, CPU and event loop', async () => {
  const metrics = createMetrics();
  addProcessMetrics(metrics);
  const text = await metrics.text();
  for (const name of ['process_resident_memory_bytes', 'process_heap_used_bytes', 'process_cpu_seconds']) {
    assert.match(text, new RegExp(`^${name} (?!0$)\\d`, 'm'));
  }
  assert.match(text, /^process_event_loop_delay_seconds\{quantile="0.99"\} /m);
});
