import { drainLimitMs, limits } from './limits.ts';
import type { Clock } from './clock.ts';

/** What a member of a group knows of its session. */
export interface SessionSeen {
  /** Monotonic time at which the last request was sent by whose answer the group still listed this member. */
  readonly lastHeartbeatSentAt: number;
  readonly sessionTimeoutMs: number;
  /** The id that the group gave, and the generation of the newest assignment that was told. */
  readonly membership: { readonly memberId: string; readonly generation: number };
}

/**
 * Whether this process may act as a member of its group now, and whether it has been one all along (design rule 8).
 *
 * | the fence | means | what is under way |
 * |---|---|---|
 * | open | the group lists this member and cannot have given it up yet | goes on |
 * | closed, same `term` | nobody knows: no answer for too long | nothing starts, writes wait; answers of endpoints are kept |
 * | a later `term` | others may have been named in between | is lost for good |
 *
 * A closed fence opens again in the same term when an answer proves that nobody else was named in between.
 */
export interface SessionFence {
  /** Looks at the clock and at the session. False: nothing may be sent or written now. */
  open(): boolean;
  /** Grows each time others may have been named. Look with `open` first. */
  readonly term: number;
  /** `lastHeartbeatSentAt` as it was at the last look. */
  readonly lastSentAt: number;
}

/**
 * A fence over a member's session: open while the last proof of membership was sent less than 80 % of the session timeout
 * ago, and less than half of the time that the next owner waits for a member that the group still lists: a process that
 * stood still in the middle of a join cannot know that another was named, nor can that one know at once that it was named
 * no more, and the two times must not meet, however long the sessions are. It must be looked at at least once a second, and at each assignment, so that it sees each generation.
 */
export function createSessionFence(clock: Pick<Clock, 'monotonic'>, member: SessionSeen): SessionFence {
  const limitMs = Math.min(member.sessionTimeoutMs * limits.fenceFraction, (drainLimitMs() + limits.drainSlackMs) / 2);
  let sentAt = member.lastHeartbeatSentAt;
  let { membership } = member;
  let term = 0;
  return {
    open() {
      const sent = member.lastHeartbeatSentAt;
      if (member.membership !== membership) {
        if (!isSameTenure(membership, member.membership, sent - sentAt < limitMs)) term += 1;
        membership = member.membership;
      }
      sentAt = sent;
      return clock.monotonic() - sent < limitMs;
    },
    get term() {
      return term;
    },
    get lastSentAt() {
      return sentAt;
    },
  };
}

/**
 * Whether nobody else can have been named for what a member had before and has after an assignment, and acted on it.
 *
 * A group that took the member for dead gives it another id. Under the same id it was listed all along, and who was named
 * in a generation that it was not told of has had to wait for it much longer than the fence stays open (`mayClaim`). With
 * no generation in between nobody was named at all, however long it took.
 */
function isSameTenure(
  before: SessionSeen['membership'],
  after: SessionSeen['membership'],
  withinLimit: boolean,
): boolean {
  return after.memberId === before.memberId && (withinLimit || after.generation - before.generation <= 1);
}
