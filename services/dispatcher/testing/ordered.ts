import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import type { Harness } from './harness.ts';

/** What the router writes for an endpoint that keeps one order. */
export const wholeEndpoint = { ordering: { mode: OrderingMode.ENDPOINT, keyHash: 0n, seq: 0n } };

/** What the router writes for an endpoint that keeps order by a key. */
export const byKey = (key: number) => ({ ordering: { mode: OrderingMode.KEY, keyHash: BigInt(key), seq: 0n } });

/**
 * Endpoints fail what the test says, by the number in an event's name and how often it was sent before, and take
 * everything else. Answers the numbers of what was taken, each the first time, as it grows.
 */
export function firstSuccesses(h: Harness, fails: (n: number, earlier: number) => boolean = () => false): Set<number> {
  const taken = new Set<number>();
  h.endpointsAnswer(({ body }, earlier) => {
    const n = Number(/\d+/.exec(body)?.[0]);
    if (fails(n, earlier)) return 500;
    taken.add(n);
    return 200;
  });
  return taken;
}

/** Whether the numbers only grow. */
export function inOrder(taken: Iterable<number>): boolean {
  const numbers = [...taken];
  return numbers.every((n, i) => i === 0 || (numbers[i - 1] as number) < n);
}
