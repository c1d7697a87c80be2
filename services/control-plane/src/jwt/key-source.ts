import { readFile } from 'node:fs/promises';
import { lookAgain, type Clock } from '@postrider/core';
import { fetchDocument } from '@postrider/runtime';
import { serverLimits } from '../server-limits.ts';
import { parseKeySet, type KeySet } from './key-set.ts';
import type { KeysAt } from './jwt-env.ts';

/** What happens to the keys that tokens are verified with. */
export interface JwtEvents {
  /** There are so many from now on. */
  jwtKeysChanged(count: number): void;
  /** Why they cannot be read now, while those of before stay in use; null: they can again. */
  jwtKeysTrouble(problem: string | null): void;
}

export interface KeySourceOptions {
  readonly keys: KeysAt;
  readonly clock: Clock;
  readonly events: JwtEvents;
}

/** The keys of an issuer, who changes them now and then. */
export interface KeySource extends Disposable {
  /** Null: none have been read yet, or the last time is too long ago. */
  current(): KeySet | null;
  /**
   * A token names a key that is not there: resolves when they have been read once more. Strangers make up tokens, so that is
   * done at most every half minute, and only so many wait for it; for all others it resolves at once.
   */
  look(): Promise<void>;
}

/**
 * Watches where the keys stand: a file, every second; a URL, every five minutes, and every half minute while it cannot be
 * read. What cannot be read or used is told, and what was read before stays in use, for a day at most.
 * @throws Error when a file cannot be used now; a URL may answer later
 */
export async function openKeySource({ keys, clock, events }: KeySourceOptions): Promise<KeySource> {
  const isFile = keys.kind === 'file';
  let known: { readonly text: string; readonly set: KeySet } | null = null;
  let readAt = -Infinity;
  let triedAt = -Infinity;
  let waiting = 0;
  let underway = false;
  /** Somebody wants them read although they are fresh. */
  let wanted = !isFile;
  const ageMs = (): number => clock.monotonic() - readAt;

  async function read(): Promise<typeof known> {
    triedAt = clock.monotonic();
    wanted = false;
    underway = true;
    try {
      const text = await textOf(keys);
      const next = text === known?.text ? null : { text, set: parseKeySet(text) };
      readAt = triedAt;
      return next;
    } finally {
      underway = false;
    }
  }

  const changed = (next: NonNullable<typeof known>): void => {
    known = next;
    events.jwtKeysChanged(next.set.count);
  };

  const isDue = (): boolean => isFile || wanted || triedAt > readAt || ageMs() >= serverLimits.jwksFreshMs;
  if (isFile) await read().then((first) => first !== null && changed(first));
  const looking = lookAgain({
    clock,
    everyMs: isFile ? serverLimits.filesLookEveryMs : serverLimits.jwksLookEveryMs,
    read: () => (isDue() ? read() : Promise.resolve(null)),
    changed,
    trouble: events.jwtKeysTrouble,
  });
  if (!isFile) void looking.look();
  return {
    current: () => (ageMs() <= serverLimits.jwksKeptMs ? (known?.set ?? null) : null),
    async look() {
      if (!underway && clock.monotonic() - triedAt < serverLimits.jwksUnknownKeyEveryMs) return;
      if (waiting >= serverLimits.jwksWaitersMax) return;
      waiting += 1;
      wanted = true;
      await looking.look().finally(() => (waiting -= 1));
    },
    [Symbol.dispose]: () => looking[Symbol.dispose](),
  };
}

async function textOf(keys: KeysAt): Promise<string> {
  const { jwksBytesMax: bytesMax, jwksFetchMs: deadlineMs } = serverLimits;
  if (keys.kind === 'url') {
    return fetchDocument({ url: keys.url, ...(keys.ca === undefined ? {} : { ca: keys.ca }), bytesMax, deadlineMs });
  }
  const text = await readFile(keys.path, 'utf8');
  if (text.length > bytesMax) throw new Error(`it has more than ${bytesMax} bytes`);
  return text;
}
