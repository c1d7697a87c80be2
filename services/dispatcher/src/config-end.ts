import type { Clock } from '@postrider/core';
import type { ConfigView } from '@postrider/config-view';

/** Whether this process has read everything that stood on `config` at a moment. */
export interface ConfigEnd {
  /** `at`: monotonic ms. While it has not, the answer becomes true some time after the first question. */
  readSince(at: number): boolean;
}

/** What asking for the end needs. */
export interface ConfigEndOptions {
  readonly clock: Clock;
  readonly view: Pick<ConfigView, 'whenOffset'>;
  /** One past the last offset of `config`, as it is after the call. */
  readonly end: () => Promise<number>;
  readonly onTrouble: (error: Error) => void;
}

/** The end that is asked for should be read in a moment; if it is not, it is asked for anew. */
const READ_WITHIN_MS = 60_000;

/** Nothing is asked before it is needed. */
export function createConfigEnd({ clock, view, end, onTrouble }: ConfigEndOptions): ConfigEnd {
  let readAt = -Infinity;
  let asking = false;

  async function ask(): Promise<void> {
    asking = true;
    try {
      const askedAt = clock.monotonic();
      const last = (await end()) - 1;
      if (last < 0 || (await view.whenOffset(last, READ_WITHIN_MS))) readAt = askedAt;
    } catch (error) {
      onTrouble(error as Error);
    } finally {
      asking = false;
    }
  }

  return {
    readSince(at) {
      if (readAt >= at) return true;
      if (!asking) void ask();
      return false;
    },
  };
}
