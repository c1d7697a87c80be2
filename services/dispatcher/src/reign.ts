import { limits, type Clock } from '@postrider/core';
import type { KafkaError, OutgoingRecord, Producer } from '@postrider/kafka';
import type { DispatcherEvents } from './events.ts';
import type { SessionFence } from './session-fence.ts';

/** Why a reign is over. `released`: in good order; `closed`: the process let go of its producers. */
export type ReignEnd = 'released' | 'session' | 'drain-limit' | 'newer-claim' | 'void-claim' | 'store-lost' | 'closed';

/** A write that must be acknowledged, whatever it takes. */
export interface ReignWrite {
  readonly producer: Producer;
  readonly record: Omit<OutgoingRecord, 'mayWrite'>;
  /** Called with the record's offset, unless the reign ends first. */
  readonly acked: (offset: number) => void;
  /** What is written instead when the record is too large for its topic. */
  readonly smaller?: () => Omit<OutgoingRecord, 'mayWrite'>;
  /** Called instead of `acked` when it is too large all the same: it is not written. Absent: it is tried again and again. */
  readonly tooLarge?: () => void;
}

/**
 * One process's ownership of one partition, from its claim on: whether it may act, what it has written, when it is over.
 *
 * | from | to | when |
 * |---|---|---|
 * | reigning | draining | the group took the partition away, or a shutdown began |
 * | reigning, draining | over | released; or lost: session, drain limit, a newer claim |
 *
 * What is over never acts again, whatever answers arrive.
 */
export interface Reign {
  readonly partition: number;
  /** Offset of the claim; -1 until it is acknowledged. */
  epoch: number;
  /** `Clock.monotonic()` when the claim was found valid. */
  claimedAt: number;
  /** Nobody has owned the partition before: no row of another reign can lie or arrive anywhere. */
  first: boolean;
  /** The last owner did not release the partition: what it had in hand may have reached its endpoint. */
  afterCrash: boolean;
  readonly draining: boolean;
  readonly over: ReignEnd | null;
  /** The fence (design rule 8): asked before every request and every hand-over to a socket. A closed fence ends the reign. */
  readonly mayAct: () => boolean;
  /** Starts nothing more; silent for good after `deadline` (monotonic ms). An earlier deadline stays. */
  drain(deadline: number): void;
  end(how: ReignEnd): void;
  write(write: ReignWrite): void;
  /** Writes that are not acknowledged yet. */
  readonly writing: number;
}

export interface ReignOptions {
  readonly partition: number;
  readonly clock: Clock;
  readonly fence: SessionFence;
  readonly events: DispatcherEvents;
  /** Something changed that somebody may wait for: a write was acknowledged, or the reign is over. */
  readonly changed: () => void;
}

/** A reign that begins in the fence's present term. */
export function createReign(options: ReignOptions): Reign {
  return new OneReign(options);
}

class OneReign implements Reign {
  readonly partition: number;
  epoch = -1;
  claimedAt: number;
  first = false;
  afterCrash = false;
  over: ReignEnd | null = null;
  writing = 0;
  readonly mayAct = (): boolean => this.#mayAct();
  readonly #options: ReignOptions;
  readonly #term: number;
  #drainBy = Infinity;

  constructor(options: ReignOptions) {
    this.partition = options.partition;
    this.#options = options;
    this.claimedAt = options.clock.monotonic();
    options.fence.open();
    this.#term = options.fence.term;
  }

  get draining(): boolean {
    return this.#drainBy !== Infinity;
  }

  #mayAct(): boolean {
    if (this.over !== null) return false;
    const { fence, clock } = this.#options;
    const open = fence.open();
    if (!open || fence.term !== this.#term) this.end('session');
    else if (clock.monotonic() >= this.#drainBy) this.end('drain-limit');
    return this.over === null;
  }

  drain(deadline: number): void {
    this.#drainBy = Math.min(this.#drainBy, deadline);
  }

  end(how: ReignEnd): void {
    if (this.over !== null) return;
    this.over = how;
    this.#options.changed();
  }

  write(write: ReignWrite): void {
    if (this.over !== null) return;
    this.writing += 1;
    this.#send(write, 0);
  }

  #send(write: ReignWrite, refusals: number): void {
    write.producer.enqueue({ ...write.record, mayWrite: this.mayAct }, (error, ack) => {
      if (this.over !== null) return;
      if (ack === null) return this.#refused(write, refusals, error as KafkaError);
      // Counted until its consequences are drawn: they may be further writes, and the reign is not quiet in between.
      write.acked(ack.offset);
      this.#over();
    });
  }

  #over(): void {
    this.writing -= 1;
    if (this.writing === 0) this.#options.changed();
  }

  #refused(write: ReignWrite, refusals: number, error: KafkaError): void {
    if (error.code === 'CLOSED') return this.end('closed');
    if (error.code === 'FENCED') {
      // The fence said no a moment ago: even if it says yes now, records behind this one may already be written.
      this.#mayAct();
      return this.end('session');
    }
    if (error.code === 'RECORD_TOO_LARGE' && write.smaller !== undefined) {
      const { smaller, ...rest } = write;
      return this.#send({ ...rest, record: smaller() }, refusals);
    }
    if (error.code === 'RECORD_TOO_LARGE' && write.tooLarge !== undefined) {
      write.tooLarge();
      return this.#over();
    }
    // What follows from a delivery must be written before its source record is done, so nothing is skipped.
    this.#options.events.writeRefused(write.record.topic, this.partition, error);
    const { refusedWriteBackoffMinMs: least, refusedWriteBackoffMaxMs: most } = limits;
    const waitMs = Math.min(most, least * 2 ** Math.min(refusals, 10));
    this.#options.clock.after(waitMs, () => {
      if (this.over === null) this.#send(write, refusals + 1);
    });
  }
}
