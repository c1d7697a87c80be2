import { RequestQueueClass } from './internals.ts';
import type { RequestQueue } from './internals.ts';

/**
 * Every connection of kafkajs re-arms a timer after each answer, even with nothing to wait for; with the negative delay that
 * it computes the timer fires at once and some connections spin: 4 to 6 % of a core while idle, and a warning on Node 26.
 * Here the timer is armed only when a request waits for a throttle to end, and never with a negative delay.
 */
export function mendRequestQueueTimer(): void {
  if (mended) return;
  mended = true;
  const { prototype } = RequestQueueClass;
  const original = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function schedule(this: RequestQueue): void {
    if (this.pending.length === 0) return;
    const { throttledUntil } = this;
    this.throttledUntil = Math.max(throttledUntil, Date.now());
    original.call(this);
    this.throttledUntil = throttledUntil;
  };
}

let mended = false;
