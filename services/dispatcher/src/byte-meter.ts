import { limits } from '@postrider/core';
import { createFullness } from './fullness.ts';

/** How many bytes of deliveries a pod holds in memory before their first attempt has ended or they are put. */
export interface ByteMeter {
  readonly bytes: number;
  add(bytes: number): void;
  /** Full from 80 % of the bound on, until 50 % are left, or what it was made with; or what it is a part of is full. */
  readonly full: boolean;
  /** Calls `listener` whenever the meter itself stops being full. Returns what ends that. */
  onRoom(listener: () => void): () => void;
}

/** An empty meter. `whole`: what is counted here is counted there too. */
export function createByteMeter(
  bytesMax: number = limits.podQueuedBytesMax,
  whole: ByteMeter | null = null,
  resumeAt?: number,
): ByteMeter {
  const listeners = new Set<() => void>();
  const isFull = createFullness(bytesMax, resumeAt);
  let bytes = 0;
  let full = false;
  return {
    get bytes() {
      return bytes;
    },
    add(delta) {
      bytes += delta;
      whole?.add(delta);
      const before = full;
      full = isFull(bytes);
      if (before && !full) for (const listener of listeners) listener();
    },
    get full() {
      return full || whole?.full === true;
    },
    onRoom(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** What a pod counts of deliveries that were taken in: of all, and of those from `deliveries.bulk`, which are part of them. */
export function createIntakeMeters(): { readonly meter: ByteMeter; readonly bulkMeter: ByteMeter } {
  const meter = createByteMeter(limits.podQueuedBytesMax, null, limits.podInFlightBytesMax);
  return { meter, bulkMeter: createByteMeter(limits.podQueuedBytesMax * limits.bulkQueuedFraction, meter) };
}
