/**
 * The words of Postrider. Code, comments, logs and documents use these, and no others for the same things.
 *
 * - **tenant**: the customer's isolation unit; every other resource belongs to one.
 * - **event**: a fact, as a CloudEvent (id, source, type, subject, time, datacontenttype, data) on a Kafka topic.
 * - **endpoint**: where a tenant wants events: URL, signing, auth, retry policy, limits, ordering, egress pool.
 * - **subscription**: an endpoint's interest: event types + filter → endpoint.
 * - **delivery**: one event for one endpoint, for its whole life: `pending`, `waiting`, then `delivered`, `dead` or
 *   `cancelled`.
 * - **run**: why a delivery is being worked on: the first time, or the id of a resend, recovery or replay.
 * - **attempt**: one HTTP request of a delivery, numbered from 1; has its own id.
 * - **outcome**: how an attempt went. **decision**: what happens next.
 * - **owner**: the one dispatcher that works on a partition. **epoch**: the number of its reign.
 * - **lane**: the queue of one endpoint (or endpoint + ordering key) inside its owner.
 * - **waiting**: a delivery that cannot start now: due later, lane full, rate limited, breaker open, behind an earlier
 *   one, paused, endpoint disabled.
 * - **retry tier**: a compacted topic that holds waiting deliveries by how long they are expected to wait.
 * - **dead letter**: a delivery that was given up, with its reason.
 * - **egress pool**: a named set of source addresses, or a forward proxy, that an endpoint's requests leave from.
 * - **config record → config view → snapshot**: control-plane truth on a compacted topic → folded in each process → the
 *   immutable value that code reads.
 * - **resend**: one delivery again. **recover**: an endpoint's dead deliveries of a time range again. **replay**: old
 *   events through matching again.
 * - **concurrency limit**: requests in flight per lane. **offset range**: offsets taken but not yet all done. **retry
 *   span**: how long a delivery is retried.
 */
import type { DeadReason, CancelReason } from '@postrider/contract/postrider/v1/attempt';
import type { Outcome } from '@postrider/contract/postrider/v1/delivery';

/** Where a delivery is in its life. */
export type DeliveryState = 'pending' | 'waiting' | 'delivered' | 'dead' | 'cancelled';

/**
 * Whose doing a failure is. Only the endpoint's failures use attempts and move breakers; `ours` are repeated a bounded
 * number of times; a `shutdown` is no failure at all.
 */
export type FailureOwner = 'endpoint' | 'ours' | 'shutdown';

/** Milliseconds since the Unix epoch. */
export type EpochMs = number;

/** A number in [0, 1), as `Math.random` gives. Injected, so that a schedule can be told in advance. */
export type RandomFraction = () => number;

/** What happens after an attempt. */
export type Decision =
  /** The delivery is delivered. */
  | { readonly kind: 'done' }
  /** It is tried again at `dueAt` and never before. `usesAttempt`: the attempt that just ended counts. */
  | { readonly kind: 'retry'; readonly dueAt: EpochMs; readonly usesAttempt: boolean }
  /** It waits until its endpoint's configuration has changed. The attempt that just ended counts. */
  | { readonly kind: 'hold' }
  /** It is given up. */
  | { readonly kind: 'dead'; readonly reason: DeadReason }
  /** It is given up, but order keeps it in front of what comes after it until a person acts or it expires. */
  | { readonly kind: 'stopped'; readonly reason: DeadReason }
  /** It is ended without fault of anyone, for example because its endpoint was deleted. */
  | { readonly kind: 'cancelled'; readonly reason: CancelReason };

/** How an attempt went, with what the decision and the attempt record need. */
export interface Verdict {
  readonly outcome: Outcome;
  /** Stable code, for example `connection_refused`; `status` when an answer's status decided; `ok` after a success. */
  readonly code: string;
  /** One sentence for a person; never a secret or a private address. */
  readonly detail: string;
  /** What the endpoint asked for by Retry-After, in milliseconds from the answer; null: nothing that can be understood. */
  readonly retryAfterMs: number | null;
  /** Policy calls the answer's status final: no further attempt. */
  readonly final: boolean;
}
