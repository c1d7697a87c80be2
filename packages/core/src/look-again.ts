import { every, type Clock } from './clock.ts';

export interface LookAgainOptions<T> {
  readonly clock: Clock;
  /** How often, ms. */
  readonly everyMs: number;
  /** What is there now; null: what was there before. Rejects with why it cannot be used. */
  readonly read: () => Promise<T | null>;
  readonly changed: (value: T) => void;
  /** Why what is there now cannot be used, told once for each cause; null: it can again. */
  readonly trouble: (problem: string | null) => void;
}

export interface LookingAgain extends Disposable {
  /** Looks now, or joins the look that has begun. Resolves when it is over, whatever it saw. */
  look(): Promise<void>;
}

/**
 * Looks again and again at what changes without telling, such as a file that is mounted, until disposed. What cannot be used
 * is told, and changes nothing. One look at a time; one that outlives its end tells nothing.
 */
export function lookAgain<T>({ clock, everyMs, read, changed, trouble }: LookAgainOptions<T>): LookingAgain {
  let problem: string | null = null;
  let looking: Promise<void> | null = null;
  let over = false;

  const tell = (now: string | null): void => {
    if (over || now === problem) return;
    problem = now;
    trouble(now);
  };

  async function lookOnce(): Promise<void> {
    try {
      const value = await read();
      if (over) return;
      if (value !== null) changed(value);
      tell(null);
    } catch (error) {
      tell((error as Error).message);
    }
  }

  const look = (): Promise<void> => (looking ??= lookOnce().finally(() => (looking = null)));
  const stop = every(clock, everyMs, () => void look());
  return {
    look,
    [Symbol.dispose]() {
      over = true;
      stop();
    },
  };
}
