import { limits } from '@postrider/core';

/** How many bytes of deliveries a pod holds in memory before their first attempt has ended or they are put. */
export interface ByteMeter {
  readonly bytes: number;
  add(bytes: number): void;
  /** Full from 80 % of the bound on, until 50 % are left. */
  readonly full: boolean;
  /** Calls `listener` whenever the meter stops being full. Returns what ends that. */
  onRoom(listener: () => void): () => void;
}

/** An empty meter. */
export function createByteMeter(bytesMax: number = limits.podQueuedBytesMax): ByteMeter {
  const listeners = new Set<() => void>();
  let bytes = 0;
  let full = false;
  return {
    get bytes() {
      return bytes;
    },
    add(delta) {
      bytes += delta;
      if (!full) full = bytes >= bytesMax * limits.pauseAtFraction;
      else if (bytes <= bytesMax * limits.resumeAtFraction) {
        full = false;
        for (const listener of listeners) listener();
      }
    },
    get full() {
      return full;
    },
    onRoom(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
