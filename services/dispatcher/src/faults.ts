import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { internalBackoffMs, limits, readDelivery, type Clock } from '@postrider/core';
import { waitFor } from './intake.ts';
import type { DispatcherEvents } from './events.ts';
import type { Stage } from './fault-events.ts';
import type { Endings } from './endings.ts';
import type { Reign } from './reign.ts';
import type { Slices } from './slices.ts';
import type { Work } from './work.ts';
import type { WorkTable } from './work-table.ts';

/**
 * Keeps a fault of ours to the one delivery that it hit. What throws in any stage uses no attempt: the delivery is tried
 * again with the backoff of internal errors, and after `limits.internalFailuresMax` failures in a row it ends as
 * `dead: internal-error`. Nothing in here throws.
 */
export interface Faults {
  /** A step of a delivery that is in hand threw. */
  failed(work: Work, stage: Stage, error: unknown): void;
  /**
   * Taking a record in threw, and there is no delivery in hand for it: `again` is done later, and when that has thrown too
   * often, `giveUp`.
   */
  recordFailed(record: string, error: unknown, again: () => void, giveUp: (detail: string) => void): void;
  /** What threw belongs to no one delivery: the reign is over, and what its next one reads is the truth. */
  reignFailed(error: unknown): void;
}

export interface FaultsOptions {
  readonly clock: Clock;
  readonly events: Pick<DispatcherEvents, 'internalFault' | 'partitionFailed'>;
  readonly reign: Reign;
  readonly table: () => WorkTable;
  readonly endings: () => Pick<Endings, 'internalError'>;
}

/** Faults over one reign. */
export function createFaults(options: FaultsOptions): Faults {
  return new ReignFaults(options);
}

class ReignFaults implements Faults {
  readonly #o: FaultsOptions;
  /** Of what could not even be put: counted here instead of in its row. */
  readonly #counted = new WeakMap<Work, number>();

  constructor(options: FaultsOptions) {
    this.#o = options;
  }

  readonly failed = (work: Work, stage: Stage, error: unknown): void => {
    if (this.#o.reign.over !== null) return;
    const failures = Math.max(this.#counted.get(work) ?? 0, this.#onRecord(work)) + 1;
    this.#counted.set(work, failures);
    this.#o.events.internalFault(stage, work.key, failures, error);
    this.#settle(work, failures, detailOf(stage, error));
  };

  recordFailed(record: string, error: unknown, again: () => void, giveUp: (detail: string) => void): void {
    this.#recordFailed({ record, again, giveUp }, error, 1);
  }

  reignFailed(error: unknown): void {
    const { events, reign } = this.#o;
    events.partitionFailed(reign.partition, error as Error);
    reign.end('failed');
  }

  #settle(work: Work, failures: number, detail: string): void {
    const { clock, events, table, endings } = this.#o;
    try {
      if (failures >= limits.internalFailuresMax) return endings().internalError(work, detail);
      // Without a lane there is nothing that it could wait for: it was not even read. And order may forbid it for now.
      if (work.lane === null || !table().mayPut(work)) return this.#later(work, failures, detail);
      const now = clock.now();
      const { tier, changes } = waitFor(WaitReason.RETRY, Math.ceil(now + backoffMs(failures)), now);
      table().put(work, { tier, changes: { ...changes, internalFailures: failures } });
    } catch (error) {
      events.internalFault('put', work.key, failures, error);
      this.#later(work, failures, detail);
    }
  }

  /** It cannot be written: it stays in hand with its offset open, and the same is tried again, unless it has gone on by itself. */
  #later(work: Work, failures: number, detail: string): void {
    const { state } = work;
    this.#after(failures, () => {
      if (work.state !== state || this.#o.table().works.get(work.key) !== work) return;
      this.#counted.set(work, failures + 1);
      this.#settle(work, failures + 1, detail);
    });
  }

  #recordFailed(taking: Taking, error: unknown, failures: number): void {
    this.#o.events.internalFault('read', taking.record, failures, error);
    this.#after(failures, () => {
      try {
        if (failures < limits.internalFailuresMax) taking.again();
        else taking.giveUp(detailOf('read', error));
      } catch (next) {
        this.#recordFailed(taking, next, Math.min(failures + 1, limits.internalFailuresMax));
      }
    });
  }

  #after(failures: number, action: () => void): void {
    const { clock, reign } = this.#o;
    clock.after(backoffMs(failures), () => {
      if (reign.over === null && !reign.draining) action();
    });
  }

  /** What its header says; 0 when that cannot be read either. */
  #onRecord(work: Work): number {
    try {
      const header = this.#o.table().bytesOf(work)?.header;
      return (work.view ?? (header === undefined ? null : readDelivery(header)))?.internalFailures ?? 0;
    } catch {
      return 0;
    }
  }
}

/** Without jitter: chance itself may be what throws. */
function backoffMs(failures: number): number {
  return internalBackoffMs(Math.min(failures, limits.internalFailuresMax), () => 0);
}

/** A record that is being taken in. */
interface Taking {
  readonly record: string;
  readonly again: () => void;
  readonly giveUp: (detail: string) => void;
}

/** Long work of one reign: a step that throws ends the reign and not the process. */
export function containedSlices(slices: Slices, { reignFailed }: Pick<Faults, 'reignFailed'>): Slices {
  return {
    run: (step) =>
      slices.run(() => {
        try {
          return step();
        } catch (error) {
          reignFailed(error);
          return false;
        }
      }),
    close: () => slices.close(),
  };
}

/** Endings of which each keeps its faults to its own delivery. */
export function containedEndings(endings: Endings, failed: Faults['failed']): Endings {
  const contain =
    <Rest extends readonly unknown[]>(end: (work: Work, ...rest: Rest) => void) =>
    (work: Work, ...rest: Rest): void => {
      try {
        end(work, ...rest);
      } catch (error) {
        failed(work, 'end', error);
      }
    };
  return {
    expire: contain(endings.expire),
    tooLarge: contain(endings.tooLarge),
    deliveredBefore: contain(endings.deliveredBefore),
    giveUp: contain(endings.giveUp),
    cancel: contain(endings.cancel),
    unreadable: contain(endings.unreadable),
    internalError: endings.internalError,
  };
}

/** For people, in a dead letter: what failed. The words of an error may hold anything, so they stay in the log. */
function detailOf(stage: Stage, error: unknown): string {
  const name = error instanceof Error ? error.name : typeof error;
  return `A fault of the dispatcher (${stage}: ${name}), ${limits.internalFailuresMax} times in a row.`;
}
