import {
  PROGRESS_KEY,
  encodeProgress,
  limits,
  type Clock,
  type EndpointHolds,
  type OwnershipProgress,
} from '@postrider/core';
import type { Producer } from '@postrider/kafka';
import type { IntakeLedger } from './intake-ledger.ts';
import type { Reign } from './reign.ts';
import type { TierStarts } from './tier-starts.ts';

/** Writes what is done (design rule 5): the record with the highest (epoch, number) holds. */
export interface ProgressWriter {
  /** Called every second: writes if anything is news. */
  tick(): void;
  /** Called after each completion: writes early when there were many. */
  completed(): void;
  /** A record behind ours says less than ours: it must not be the last in the log. */
  overtaken(): void;
  /** Writes now; `acked` is called when the record is acknowledged. */
  write(released: boolean, acked: () => void): void;
  /** Calls back once a record is acknowledged that says what is done now; sees to it that one is written soon. */
  after(callback: () => void): void;
}

export interface ProgressWriterOptions {
  readonly clock: Clock;
  readonly reign: Reign;
  readonly producer: Producer;
  readonly topic: string;
  /** Where questions are answered. */
  readonly address: string;
  readonly ledger: IntakeLedger;
  readonly holds: EndpointHolds;
  readonly tierStarts: Pick<TierStarts, 'dirty' | 'encode'>;
}

/** A writer whose first record has number 1. */
export function createProgressWriter(options: ProgressWriterOptions): ProgressWriter {
  const { clock, reign, ledger, holds, tierStarts, topic } = options;
  let number = 0;
  let inFlight = 0;
  let stale = false;
  let waiting: (() => void)[] = [];
  let planned = false;

  /** Not for each by itself: there may be many, and every record is kept for a while. */
  function writeSoon(): void {
    if (planned || inFlight > 0) return;
    planned = true;
    clock.after(limits.orderedProgressMs, () => {
      planned = false;
      // Where one is in flight, or the last one is to be written, that one will do.
      if (inFlight === 0 && waiting.length > 0 && !reign.draining) write(false, () => undefined);
    });
  }

  function write(released: boolean, acked: () => void): void {
    number += 1;
    stale = false;
    inFlight += 1;
    const told = waiting;
    waiting = [];
    const progress: OwnershipProgress = {
      epoch: reign.epoch,
      number,
      processId: reign.processId,
      released,
      intake: ledger.encode(),
      tiers: tierStarts.encode(),
      holds: holds.encode(),
      rowEpochBase: reign.rowEpoch - reign.epoch,
      address: options.address,
    };
    reign.write({
      producer: options.producer,
      record: { topic, partition: reign.partition, key: Buffer.from(PROGRESS_KEY), value: encodeProgress(progress) },
      acked: () => {
        inFlight -= 1;
        acked();
        for (const callback of told) callback();
        if (waiting.length > 0) writeSoon();
      },
    });
  }

  return {
    // One at a time: what is done meanwhile is in the next.
    tick() {
      if (inFlight > 0 || reign.draining) return;
      if (stale || ledger.dirty || holds.dirty || tierStarts.dirty) write(false, () => undefined);
    },
    completed() {
      if (inFlight === 0 && !reign.draining && ledger.completions >= limits.progressEveryCompletions) {
        write(false, () => undefined);
      }
    },
    overtaken() {
      stale = true;
    },
    write,
    after(callback) {
      waiting.push(callback);
      writeSoon();
    },
  };
}
