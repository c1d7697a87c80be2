import { limits } from '@postrider/core';
import type { Clock } from '@postrider/core';

/**
 * Whether this process may still act as a member of its group (design rule 8). Whoever starts work under the fence
 * remembers `term`; a later term means that the session may have been over in between, so that work is lost for good.
 */
export interface SessionFence {
  /** Looks at the clock and at the last heartbeat. False: nothing may be sent or written. */
  open(): boolean;
  /** Grows each time the session may have been over. Look with `open` first. */
  readonly term: number;
  /** Monotonic time at which the newest heartbeat known at the last look was sent. */
  readonly lastSentAt: number;
}

/**
 * A fence over the member's heartbeats: open while the last one answered without error was sent less than 80 % of the
 * session timeout ago. It must be looked at at least once a second: a gap between two heartbeats that nobody saw open is
 * found by comparing them.
 */
export function createSessionFence(
  clock: Clock,
  member: { readonly lastHeartbeatSentAt: number; readonly sessionTimeoutMs: number },
): SessionFence {
  const limitMs = member.sessionTimeoutMs * limits.fenceFraction;
  let seen = member.lastHeartbeatSentAt;
  let term = 0;
  let closed = false;
  return {
    open() {
      const sent = member.lastHeartbeatSentAt;
      const silent = clock.monotonic() - sent >= limitMs;
      // Stopped and awake again, or joined anew: the newest heartbeat is fresh, but the session was not held all along.
      if (!closed && (silent || sent - seen >= limitMs)) term += 1;
      closed = silent;
      seen = sent;
      return !closed;
    },
    get term() {
      return term;
    },
    get lastSentAt() {
      return seen;
    },
  };
}
