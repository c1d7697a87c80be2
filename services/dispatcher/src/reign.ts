import { judgeReign, limits, type Clock, type SessionFence } from '@postrider/core';
import type { KafkaError, OutgoingRecord, Producer } from '@postrider/kafka';
import type { DispatcherEvents } from './events.ts';

/**
 * Why a reign is over. `released`: in good order; `failed`: by a mistake in its work; `closed`: the process let go of its
 * producers.
 */
export type ReignEnd =
  | 'released'
  | 'session'
  | 'drain-limit'
  | 'newer-claim'
  | 'void-claim'
  | 'store-lost'
  | 'failed'
  | 'closed';

/** A write that must be acknowledged, whatever it takes. */
export interface ReignWrite {
  readonly producer: Producer;
  readonly record: Omit<OutgoingRecord, 'mayWrite'>;
  /** Called with the record's offset, unless the reign ends first. */
  readonly acked: (offset: number) => void;
  /** What is written instead when the record is too large for its topic. */
  readonly smaller?: (() => Omit<OutgoingRecord, 'mayWrite'>) | undefined;
  /** Called instead of `acked` when it is too large all the same: it is not written. Absent: it is tried again and again. */
  readonly tooLarge?: () => void;
}

/**
 * One process's ownership of one partition, from its claim on: whether it may act, what it has written, when it is over.
 *
 * | from | to | when |
 * |---|---|---|
 * | reigning | draining | the group took the partition away, or a shutdown began |
 * | reigning, draining | itself | the fence closes and opens again: nothing starts and no write leaves in between |
 * | reigning, draining | over | released; or lost: session, drain limit, a newer claim |
 *
 * What is over never acts again, whatever answers arrive.
 */
export interface Reign {
  readonly partition: number;
  /** What the group lists us as in the fence's term that the reign began in. */
  readonly processId: string;
  /** Offset of the claim; -1 until it is acknowledged. */
  epoch: number;
  /** The epoch as versions of rows bear it: above that of every row of an earlier reign. */
  rowEpoch: number;
  /** `Clock.monotonic()` when the claim was found valid. */
  claimedAt: number;
  /** Nobody has owned the partition before: no row of another reign can lie or arrive anywhere. */
  first: boolean;
  /** The last owner, or one not long before, did not release the partition: what it had in hand may have reached its endpoint. */
  afterCrash: boolean;
  readonly draining: boolean;
  readonly over: ReignEnd | null;
  /** The fence (design rule 8): asked before every request. It may open again as long as the reign is not over. */
  readonly mayAct: () => boolean;
  /** The same before a record is handed to a socket: it may wait for the fence. */
  readonly mayWrite: () => boolean | 'later';
  /** The fence has said "later" since this was set to false: something may wait for it that nobody will offer again. */
  held: boolean;
  /** Looks at the session first. What an endpoint answered while the fence was closed still counts. */
  readonly isOver: () => boolean;
  /** Starts nothing more; silent for good after `deadline` (monotonic ms). An earlier deadline stays. */
  drain(deadline: number): void;
  end(how: ReignEnd): void;
  write(write: ReignWrite): void;
  /** Writes that are not acknowledged yet. */
  readonly writing: number;
}

export interface ReignOptions {
  readonly partition: number;
  readonly processId: string;
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
  readonly processId: string;
  epoch = -1;
  rowEpoch = -1;
  claimedAt: number;
  first = false;
  afterCrash = false;
  over: ReignEnd | null = null;
  held = false;
  writing = 0;
  readonly mayAct = (): boolean => this.#look() === 'yes';
  readonly mayWrite = (): boolean | 'later' => {
    const verdict = this.#look();
    return verdict === 'later' ? verdict : verdict === 'yes';
  };
  readonly isOver = (): boolean => this.#look() === 'over';
  readonly #options: ReignOptions;
  readonly #term: number;
  #drainBy = Infinity;

  constructor(options: ReignOptions) {
    this.partition = options.partition;
    this.processId = options.processId;
    this.#options = options;
    this.claimedAt = options.clock.monotonic();
    options.fence.open();
    this.#term = options.fence.term;
  }

  get draining(): boolean {
    return this.#drainBy !== Infinity;
  }

  #look(): 'yes' | 'later' | 'over' {
    if (this.over !== null) return 'over';
    const { fence, clock } = this.#options;
    const open = fence.open();
    const sameTerm = fence.term === this.#term;
    const now = this.draining ? clock.monotonic() : 0;
    const verdict = judgeReign({ open, sameTerm, drainBy: this.#drainBy, now });
    this.held ||= verdict === 'later';
    if (verdict === 'yes' || verdict === 'later') return verdict;
    this.end(verdict);
    return 'over';
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
    write.producer.enqueue({ ...write.record, mayWrite: this.mayWrite }, (error, ack) => {
      if (this.over !== null) return;
      if (ack === null) return this.#refused(write, refusals, error as KafkaError);
      // Counted until its consequences are drawn: they may be further writes, and the reign is not quiet in between.
      try {
        write.acked(ack.offset);
      } catch (error) {
        // Half of what follows may be done: whoever comes next finds the truth in the log.
        this.#options.events.partitionFailed(this.partition, error as Error);
        return this.end('failed');
      }
      this.#over();
    });
  }

  #over(): void {
    this.writing -= 1;
    if (this.writing === 0) this.#options.changed();
  }

  #refused(write: ReignWrite, refusals: number, error: KafkaError): void {
    if (error.code === 'CLOSED') return this.end('closed');
    // Refused by `mayWrite`, which ends the reign first.
    if (error.code === 'FENCED') return this.end('session');
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
