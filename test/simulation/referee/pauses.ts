import type { Case } from './case.ts';
import type { Referee } from './referee.ts';

/** Pauses that endpoints ask for: who was told keeps to them for the whole endpoint, as long as it reigns. */
export interface Pauses {
  /** An answer that asks for a pause has reached its process; infinite: until the endpoint's configuration changes. */
  asked(process: string, one: Case, pauseMs: number): void;
  /** A request left its process (virtual ms). */
  left(process: string, one: Case, at: number): void;
}

export interface PausesOptions {
  readonly referee: Pick<Referee, 'ghost' | 'problem'>;
  /** Virtual ms since the start. */
  readonly elapsed: () => number;
  /** Nothing about the endpoint has ever changed. */
  readonly untouched: (endpointUid: string) => boolean;
}

/** Nobody has asked for a pause. */
export function createPauses({ referee, elapsed, untouched }: PausesOptions): Pauses {
  const pauses = new Map<string, { readonly from: number; readonly until: number }>();
  const keyOf = (process: string, { endpointUid, partition }: Case): string =>
    `${process} ${endpointUid} ${referee.ghost(partition).epoch}`;
  return {
    asked(process, one, pauseMs) {
      const key = keyOf(process, one);
      const before = pauses.get(key);
      const from = elapsed();
      if (before === undefined || from >= before.until) pauses.set(key, { from, until: from + pauseMs });
      else pauses.set(key, { from: before.from, until: Math.max(before.until, from + pauseMs) });
    },
    left(process, one, at) {
      const pause = pauses.get(keyOf(process, one));
      // What left at the moment of the answer may have left before it.
      if (pause === undefined || at <= pause.from || at >= pause.until) return;
      if (pause.until === Infinity && !untouched(one.endpointUid)) return;
      referee.problem('pause-ignored', `${one.key} is sent ${pause.until - at} ms before a pause is over`);
    },
  };
}
