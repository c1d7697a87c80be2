import { serverLimits } from '../server-limits.ts';
import type { Clock } from '@postrider/core';

export interface UnreadAnswersOptions {
  readonly clock: Pick<Clock, 'after'>;
  /** Ends the connection from this `address:port`. */
  readonly drop: (peer: string) => void;
}

/** Answers that have been handed over and not been taken. */
export interface UnreadAnswers {
  /** Notes one; what comes back is to be called when it was taken, or its call is over. */
  add(peer: string, bytes: number): () => void;
}

/** Emptied when it was taken: a Set's earlier tables name what has left it (docs/adr/0058). */
interface Unread {
  readonly peer: string;
  readonly bytes: number;
  cancel: () => void;
}

const nothing = (): void => {};

/**
 * Whoever does not take an answer loses the connection: when that lasts too long, and at once, whoever has left most, when
 * all that waits so has become too much.
 */
export function createUnreadAnswers({ clock, drop }: UnreadAnswersOptions): UnreadAnswers {
  const unread = new Set<Unread>();
  let total = 0;
  return {
    add(peer, bytes) {
      const entry: Unread = { peer, bytes, cancel: clock.after(serverLimits.answerTakenMs, () => drop(peer)) };
      unread.add(entry);
      total += bytes;
      if (total > serverLimits.unreadAnswerBytesMax) drop(slowest(unread));
      return () => {
        if (!unread.delete(entry)) return;
        total -= bytes;
        entry.cancel();
        entry.cancel = nothing;
      };
    },
  };
}

/** The connection that has left most of what was handed over to it. */
function slowest(unread: Iterable<Unread>): string {
  const byPeer = new Map<string, number>();
  for (const { peer, bytes } of unread) byPeer.set(peer, (byPeer.get(peer) ?? 0) + bytes);
  return [...byPeer].reduce((most, one) => (one[1] > most[1] ? one : most), ['', -1] as const)[0];
}
