import { every, type Clock } from '@postrider/core';
import type { EgressError } from './failure.ts';
import type { EgressLimits } from './limits.ts';
import type { NameWitnesses } from './name-witnesses.ts';

/** Whether names can be resolved here. */
export interface NameServersState {
  /** No name server answers: only names that are remembered lead anywhere. */
  isFailing(): boolean;
  /** Calls back when that begins and when it is over; returns how to stop that. */
  onChange(callback: () => void): () => void;
}

/** What name servers were asked: about which name, for whom (nobody: undefined), and when (ms, monotonic). */
export interface NameQuestion {
  readonly hostname: string;
  readonly tenant: string | undefined;
  readonly askedAt: number;
}

/** The times in which no name can be resolved here, whosever it is. */
export interface NameOutage extends NameServersState {
  /**
   * Whether a question failed because none is answered here. If so, an outage begins or goes on, unless it is over by now.
   */
  isOurs(question: NameQuestion, error: EgressError): Promise<boolean>;
  /** A name was answered: it is over. */
  end(): void;
  /** Nothing is looked after any more. */
  close(): void;
}

export interface NameOutageOptions {
  readonly clock: Clock;
  readonly limits: EgressLimits;
  readonly witnesses: NameWitnesses;
  /** Asks name servers for a name, for this tenant or for nobody; an answer is to end the outage. */
  readonly ask: (hostname: string, tenant?: string) => void;
}

/**
 * No outage yet. While there is one, the witnesses are asked about every `nameTroubleMs`, and in turn one of the names that
 * were lost, for a witness may have become a broken name itself: so nobody has to send anything for it to end.
 */
export function createNameOutage({ clock, limits, witnesses, ask }: NameOutageOptions): NameOutage {
  /** With whom it was lost to. The one that was asked about longest ago comes first. */
  const lost = new Map<string, string | undefined>();
  const listeners = new Set<() => void>();
  let stopLooking: (() => void) | null = null;
  let endedAt = -Infinity;
  let closed = false;
  const isFailing = (): boolean => stopLooking !== null;

  function look(): void {
    const [next] = lost;
    if (next !== undefined) {
      const [hostname, tenant] = next;
      lost.delete(hostname);
      lost.set(hostname, tenant);
      ask(hostname, tenant);
    }
    for (const name of witnesses.names) ask(name);
  }

  function begin({ hostname, tenant }: NameQuestion): void {
    if (closed) return;
    if (lost.size < limits.namesMax && !witnesses.has(hostname)) lost.set(hostname, tenant);
    if (isFailing()) return;
    stopLooking = every(clock, limits.nameTroubleMs, look);
    for (const listener of listeners) listener();
  }

  function stop(): void {
    stopLooking?.();
    stopLooking = null;
    lost.clear();
  }

  return {
    isFailing,
    onChange(callback) {
      listeners.add(callback);
      return () => void listeners.delete(callback);
    },
    async isOurs(question, { failure }) {
      if (!isFailing() && endedAt > question.askedAt) return true;
      const ours = isFailing() || failure.owner === 'ours' || !(await witnesses.isOneAlive(question.hostname));
      if (ours) begin(question);
      return ours;
    },
    end() {
      if (!isFailing()) return;
      stop();
      endedAt = clock.monotonic();
      for (const listener of listeners) listener();
    },
    close() {
      closed = true;
      listeners.clear();
      stop();
    },
  };
}
