/**
 * Ordered endpoints through random schedules, in memory: failing and flapping endpoints, crashes, moves in good order,
 * routers that repeat, changes of the mode. Observed: who was sent what.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import { OnExhausted } from '@postrider/contract/postrider/v1/endpoint';
import { durationOf, limits } from '@postrider/core';
import fc from 'fast-check';
import { createHarness, type Harness, type TestDispatcher } from '../testing/harness.ts';
import { byKey, wholeEndpoint } from '../testing/ordered.ts';

const KEYS = 3;
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('deliver' as const), key: fc.integer({ min: -1, max: KEYS - 1 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), pick: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 90_000 }) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'crash' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'move' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), ms: fc.integer({ min: 1, max: 5_000 }) }) },
);
/** Whether the n-th attempt of an event fails, by its number. */
const failures = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 20 });

interface Sent {
  readonly n: number;
  /** -1: ordered with everything. */
  readonly key: number;
  /** When its router wrote it (ms, monotonic). */
  readonly at: number;
}

class Run {
  readonly h: Harness = createHarness();
  readonly sent: Sent[] = [];
  /** In the order of their first success. */
  readonly taken: number[] = [];
  owner: TestDispatcher | null = null;
  #started = 0;

  constructor(fails: readonly number[]) {
    const delays = [5_000, 5_000, 70_000].map(durationOf);
    this.h.config.endpoint('shop', {
      ordering: { mode: OrderingMode.KEY, key: 'subject', onExhausted: OnExhausted.SKIP },
      retryPolicy: { schedule: { $case: 'delays', value: { delays } }, jitter: 0 },
    });
    this.h.endpointsAnswer(({ body }, earlier) => {
      const n = Number(/\d+/.exec(body)?.[0]);
      if (earlier < (fails[n % fails.length] as number)) return 500;
      if (!this.taken.includes(n)) this.taken.push(n);
      return 200;
    });
  }

  async start(): Promise<void> {
    this.owner = await this.h.start(`d${this.#started++}`, { sessionTimeoutMs: 6_000 });
  }

  deliver({ n, key }: Sent): void {
    this.h.deliver(`e${n}`, 'shop', key < 0 ? wholeEndpoint : byKey(key));
  }

  /** Everything that was sent has ended: taken, or given up. */
  get isDone(): boolean {
    return this.h.allRows().length === 0 && this.h.watermark() === this.h.kafka.records('postrider.deliveries').length;
  }

  assertOrdered(): void {
    const keyOf = new Map(this.sent.map(({ n, key }) => [n, key]));
    this.taken.forEach((n, at) => {
      for (const later of this.taken.slice(at + 1)) {
        const [a, b] = [keyOf.get(n), keyOf.get(later)];
        if (a === -1 || b === -1 || a === b) assert.ok(n < later, `e${later} of ${b} was taken after e${n} of ${a}`);
      }
    });
  }
}

test('whatever happens, no first success of an order comes after that of a later one', async () => {
  const schedule = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), failures, async (steps, fails) => {
    const run = new Run(fails);
    await run.start();
    for (const one of steps) {
      if (one.do === 'deliver') {
        const sent = { n: run.sent.length, key: one.key, at: run.h.clock.monotonic() };
        run.sent.push(sent);
        run.deliver(sent);
      } else if (one.do === 'repeat' && run.sent.length > 0) {
        // A router's heir repeats what was written last, in its order, and not long after: by then the session has ended.
        const since = run.h.clock.monotonic() - limits.routerSessionTimeoutMaxMs;
        for (const sent of run.sent.slice(-1 - (one.pick % 4))) if (sent.at >= since) run.deliver(sent);
      } else if (one.do === 'advance') {
        await run.h.clock.advance(one.ms);
      } else if (one.do === 'lose') {
        const mend = run.h.kafka.onProduce(() => ({ kind: 'lose-request' }));
        await run.h.clock.advance(one.ms);
        mend();
      } else if (one.do === 'crash') {
        run.owner?.port.kill();
        await run.start();
      } else if (one.do === 'move' && run.owner !== null) {
        await run.h.stop(run.owner);
        await run.start();
      }
    }
    await run.h.until(() => run.isDone, 'everything has ended', 86_400_000);
    run.assertOrdered();
    const given = run.h.deadLetters().map(({ letter }) => letter.delivery?.event?.id);
    for (const { n } of run.sent) assert.ok(run.taken.includes(n) || given.includes(`e${n}`), `e${n} has ended`);
  });
  await fc.assert(schedule, { numRuns: 60 });
});
