import { isPostriderError, PostriderError } from '@postrider/core';
import { KafkaError, pause } from '@postrider/kafka';
import { serverLimits } from './server-limits.ts';
import type { Clock } from '@postrider/core';
import type { Logger } from '@postrider/runtime';
import type { ConfigWriter, MakeChange } from './config-writer.ts';
import type { ControlPlaneEvents } from './events.ts';
import type { Verifier } from './verifier.ts';
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
  readonly change: MakeChange;
  /** To be told of an endpoint that was written. */
  written(endpointUid: string): void;
  /** Resolves when this replica leads for the first time, or knows that it does not for now. Rejects as `ended` does. */
  readonly settled: Promise<void>;
  /** Rejects when a term cannot begin for a reason that time does not mend. Never resolves. */
  readonly ended: Promise<never>;
}

/**
 * Leads whenever this process has the seat. A term ends when the seat is given away, a newer writer claims the topic, or the
 * broker refuses what is written; as long as the seat is ours, another begins.
 */
export function startLeadership({ seat, begin, clock, log, events }: LeadershipOptions): Leadership {
  const settled = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<never>();
  const closing = new AbortController();
  let term: Term | null = null;
  let readOnly: string | null = null;
  let leading: Promise<void> | null = null;
  let endTerm = (_why: string): void => {};
  // Whoever started us may not look at them.
  settled.promise.catch(() => {});
  ended.promise.catch(() => {});

  async function serve(begun: Term): Promise<string> {
    const over = Promise.withResolvers<string>();
    endTerm = over.resolve;
    begun.writer.onEnded(endTerm);
    if (!seat.held || closing.signal.aborted) return 'the seat was given to another replica';
    term = begun;
    readOnly = null;
    events.ledBegun();
    settled.resolve();
    const cancel = noteOften(begun, over.reject);
    try {
      return await over.promise;
    } finally {
      cancel();
      term = null;
    }
  }

  function noteOften(begun: Term, failed: (error: Error) => void): () => void {
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
      if (term === begun) plan();
    };
    plan();
    return () => cancel();
  }

  async function lead(): Promise<void> {
    while (seat.held && !closing.signal.aborted) {
      try {
        await using begun = await begin();
        const why = await serve(begun);
        events.ledEnded(why);
      } catch (error) {
        if (closing.signal.aborted) break;
        if (!isPassing(error)) {
          settled.reject(error);
          ended.reject(error);
          return;
        }
        if (isPostriderError(error, 'read_only')) tellReadOnly(error.message);
        else log.warn({ error }, 'this replica cannot lead at the moment; trying again soon');
      }
      await pause(clock, serverLimits.leadAgainMs, closing.signal);
    }
    leading = null;
  }

  function tellReadOnly(why: string): void {
    if (readOnly !== why) events.readOnly(why);
    readOnly = why;
    settled.resolve();
  }

  function seatChanged(): void {
    if (seat.held) return void (leading ??= lead());
    settled.resolve();
    readOnly = null;
    endTerm('the seat was given to another replica');
  }

  seat.onChange(seatChanged);
  seatChanged();
  return {
    leads: () => term !== null && seat.mayWrite(),
    readOnlyBecause: () => readOnly,
    change: (actor, plan) => (term === null ? Promise.reject(notLeader()) : term.writer.change(actor, plan)),
    written: (endpointUid) => term?.verifier.written(endpointUid),
    settled: settled.promise,
    ended: ended.promise,
    async [Symbol.asyncDispose]() {
      closing.abort();
      endTerm('the process is stopping');
      await leading;
    },
  };
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
