import { PROGRESS_KEY, encodeProgress, limits, type EndpointHolds, type OwnershipProgress } from '@postrider/core';
import type { Producer } from '@postrider/kafka';
import type { IntakeLedger } from './intake-ledger.ts';
import type { Reign } from './reign.ts';

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
}

export interface ProgressWriterOptions {
  readonly reign: Reign;
  readonly processId: string;
  readonly producer: Producer;
  readonly topic: string;
  readonly ledger: IntakeLedger;
  readonly holds: EndpointHolds;
}

/** A writer whose first record has number 1. */
export function createProgressWriter(options: ProgressWriterOptions): ProgressWriter {
  const { reign, ledger, holds, topic } = options;
  let number = 0;
  let inFlight = 0;
  let stale = false;

  function write(released: boolean, acked: () => void): void {
    number += 1;
    stale = false;
    inFlight += 1;
    const progress: OwnershipProgress = {
      epoch: reign.epoch,
      number,
      processId: options.processId,
      released,
      intake: ledger.encode(),
      tiers: new Map(),
      holds: holds.encode(),
    };
    reign.write({
      producer: options.producer,
      record: { topic, partition: reign.partition, key: Buffer.from(PROGRESS_KEY), value: encodeProgress(progress) },
      acked: () => {
        inFlight -= 1;
        acked();
      },
    });
  }

  return {
    // One at a time: what is done meanwhile is in the next.
    tick() {
      if (inFlight === 0 && !reign.draining && (stale || ledger.dirty || holds.dirty)) write(false, () => undefined);
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
  };
}
