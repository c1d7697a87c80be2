import { isPostriderError, PostriderError } from '@postrider/core';
import { KafkaError, pause } from '@postrider/kafka';
import { serverLimits } from './server-limits.ts';
import type { Clock } from '@postrider/core';
import type { Logger } from '@postrider/runtime';
import type { AuditOrigin } from './audit/origin.ts';
import type { Change, ConfigWriter } from './config-writer.ts';
import type { ControlPlaneEvents } from './events.ts';
import type { Verifier, WrittenEndpoint } from './verifier.ts';
import type { WriterSeat } from './writer-seat.ts';

/** What only a leader has, from its election to its end. */
export interface Term extends AsyncDisposable {
  readonly writer: Pick<ConfigWriter, 'change' | 'onEnded'>;
  readonly verifier: Pick<Verifier, 'written'>;
  /**
   * Notes how far this term has come, and whether it may go on.
   * @throws PostriderError `read_only` when it may not
   */
  note(): Promise<void>;
}

export interface LeadershipOptions {
  readonly seat: Pick<WriterSeat, 'held' | 'mayWrite' | 'onChange'>;
  /** Begins a term: when this resolves, changes are taken. */
  readonly begin: () => Promise<Term>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: Pick<ControlPlaneEvents, 'ledBegun' | 'ledEnded' | 'readOnly'>;
}

/** Whether this replica leads, and what the methods need of a leader. */
export interface Leadership extends AsyncDisposable {
  leads(): boolean;
  /** Why no changes are taken, though this replica has the seat; null: nothing is wrong. */
  readOnlyBecause(): string | null;
  /** Rejects with `not_leader` when this replica does not lead. */
  change<T>(actor: string, plan: (change: Change) => T, origin?: AuditOrigin): Promise<T>;
  /** To be told of an endpoint that was written. */
  written(endpoint: WrittenEndpoint): void;
  /** Resolves when this replica leads for the first time, or knows that it does not for now. Rejects as `ended` does. */
  readonly settled: Promise<void>;
  /** Rejects when a term cannot begin for a reason that time does not mend. Never resolves. */
  readonly ended: Promise<never>;
}

/**
 * Leads whenever this process has the seat. A term ends when the seat is given away, a newer writer claims the topic, or the
 * broker refuses what is written; as long as the seat is ours, another begins.
 */
export function startLeadership(options: LeadershipOptions): Leadership {
  return new SeatedLeadership(options);
}

class SeatedLeadership implements Leadership {
  readonly #options: LeadershipOptions;
  readonly #settled = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<never>();
  readonly #closing = new AbortController();
  #term: Term | null = null;
  #readOnly: string | null = null;
  #leading: Promise<void> | null = null;
  #endTerm = (_why: string): void => {};

  constructor(options: LeadershipOptions) {
    this.#options = options;
    // Whoever started us may not look at them.
    this.settled.catch(() => {});
    this.ended.catch(() => {});
    options.seat.onChange(() => this.#seatChanged());
    this.#seatChanged();
  }

  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  get ended(): Promise<never> {
    return this.#ended.promise;
  }

  leads(): boolean {
    return this.#term !== null && this.#options.seat.mayWrite();
  }

  readOnlyBecause(): string | null {
    return this.#readOnly;
  }

  change<T>(actor: string, plan: (change: Change) => T, origin?: AuditOrigin): Promise<T> {
    return this.#term === null ? Promise.reject(notLeader()) : this.#term.writer.change(actor, plan, origin);
  }

  written(endpoint: WrittenEndpoint): void {
    this.#term?.verifier.written(endpoint);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#endTerm('the process is stopping');
    await this.#leading;
  }

  #seatChanged(): void {
    if (this.#options.seat.held) return void (this.#leading ??= this.#lead());
    this.#settled.resolve();
    this.#readOnly = null;
    this.#endTerm('the seat was given to another replica');
  }

  async #lead(): Promise<void> {
    const { seat, begin, clock, log, events } = this.#options;
    const { signal } = this.#closing;
    while (seat.held && !signal.aborted) {
      try {
        await using begun = await begin();
        events.ledEnded(await this.#serve(begun));
      } catch (error) {
        if (signal.aborted) break;
        if (!isPassing(error)) {
          this.#settled.reject(error);
          return this.#ended.reject(error);
        }
        if (isPostriderError(error, 'read_only')) this.#refuseChanges(error.message);
        else log.warn({ error }, 'this replica cannot lead at the moment; trying again soon');
      }
      await pause(clock, serverLimits.leadAgainMs, signal);
    }
    this.#leading = null;
  }

  /** Until the term is over; why it is. */
  async #serve(begun: Term): Promise<string> {
    const over = Promise.withResolvers<string>();
    this.#endTerm = over.resolve;
    begun.writer.onEnded(over.resolve);
    if (!this.#options.seat.held || this.#closing.signal.aborted) return 'the seat was given to another replica';
    this.#term = begun;
    this.#readOnly = null;
    this.#options.events.ledBegun();
    this.#settled.resolve();
    const stopNoting = this.#noteOften(begun, over.reject);
    try {
      return await over.promise;
    } finally {
      stopNoting();
      this.#term = null;
    }
  }

  #noteOften(begun: Term, failed: (error: Error) => void): () => void {
    const { clock, log } = this.#options;
    let cancel = (): void => {};
    const plan = (): void => {
      cancel = clock.after(serverLimits.markEveryMs, () => void note());
    };
    const note = async (): Promise<void> => {
      try {
        await begun.note();
      } catch (error) {
        if (isPostriderError(error, 'read_only')) return failed(error);
        log.warn({ error }, 'how far the configuration was written could not be noted; trying again soon');
      }
      if (this.#term === begun) plan();
    };
    plan();
    return () => cancel();
  }

  #refuseChanges(why: string): void {
    if (this.#readOnly !== why) this.#options.events.readOnly(why);
    this.#readOnly = why;
    this.#settled.resolve();
  }
}

/** Of a replica that takes no changes by order. */
export const neverLeads: Leadership = {
  leads: () => false,
  readOnlyBecause: () => null,
  change: () => Promise.reject(notLeader()),
  written: () => {},
  settled: Promise.resolve(),
  ended: new Promise<never>(() => {}),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** Kafka may answer again, and whoever fenced us may be gone. */
function isPassing(error: unknown): boolean {
  if (error instanceof KafkaError) return error.code !== 'INVALID_ARGUMENT';
  return (
    isPostriderError(error, 'not_leader') ||
    isPostriderError(error, 'outcome_unknown') ||
    isPostriderError(error, 'unavailable') ||
    isPostriderError(error, 'read_only')
  );
}

function notLeader(): PostriderError {
  return new PostriderError('not_leader', 'this replica does not lead; nothing was written: try again');
}
