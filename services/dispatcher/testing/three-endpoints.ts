import assert from 'node:assert/strict';
import type { Harness } from './harness.ts';

/** Three endpoints that need one, two and four attempts, and deliveries for them. */
export const delays = {
  $case: 'delays' as const,
  value: { delays: [2, 20, 120].map((s) => ({ seconds: BigInt(s), nanos: 0 })) },
};

/** Endpoints that need one, two or three attempts, and events for them. */
export function publish(h: Harness, count: number, from = 0): void {
  for (let i = from; i < from + count; i += 1)
    h.deliver(`order-${i}`, ['good', 'flaky', 'bad'][i % 3] ?? '', { bulk: i % 7 === 0 });
}

/** Sets the endpoints up. */
export function configure(h: Harness): void {
  for (const id of ['good', 'flaky', 'bad']) h.config.endpoint(id, { retryPolicy: { schedule: delays } });
  const failures: Record<string, number> = { '/good': 0, '/flaky': 1, '/bad': 3 };
  h.endpointsAnswer(({ path, attempt }) => (attempt <= (failures[path] ?? 0) ? 429 : 200));
}

/** How often an event was delivered: answered with a 2xx. */
export function successes(h: Harness, event: string): number {
  const failures: Record<string, number> = { '/good': 0, '/flaky': 1, '/bad': 3 };
  return h.received(event).filter(({ path, attempt }) => attempt > (failures[path] ?? 0)).length;
}

/** Everything is done, and nothing waits. */
export async function allDone(h: Harness, count: number): Promise<void> {
  const bulk = Math.ceil(count / 7);
  await h.until(
    () => h.watermark() === count - bulk && h.watermark(0, 'deliveries.bulk') === bulk && h.allRows().length === 0,
    'everything is done',
    3_600_000,
  );
}

/** Each was delivered, and no more often than allowed. */
export function assertEach(h: Harness, count: number, most: (event: string) => number = () => 1): number {
  let duplicates = 0;
  for (let i = 0; i < count; i += 1) {
    const times = successes(h, `order-${i}`);
    assert.ok(times >= 1, `order-${i} is lost`);
    assert.ok(times <= most(`order-${i}`), `order-${i} was delivered ${times} times`);
    duplicates += times - 1;
  }
  assert.deepEqual(h.deadLetters(), []);
  return duplicates;
}

/** Numbers in [0, 1) that a seed tells in advance. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
