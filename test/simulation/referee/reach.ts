import type { Referee } from './referee.ts';

/** Processes that are cut off from all endpoints, and what they make of it. */
export interface Reach {
  /** Nothing that this process sends arrives, for so long (ms). */
  cutOff(process: string, forMs: number): void;
  isCutOff(process: string): boolean;
  /** It has said so itself since it started. */
  hasSaid(process: string): boolean;
  /** A request leaves its process. */
  left(process: string): void;
  /** A line of its log. */
  heard(process: string, fields: Readonly<Record<string, unknown>>, message: string): void;
  /** No outage goes on. */
  end(): void;
}

export interface ReachOptions {
  readonly problem: Referee['problem'];
  /** Virtual ms since the start. */
  readonly elapsed: () => number;
  readonly onSaid: () => void;
}

/** What one process has said. */
interface Ghost {
  cutOffUntil: number;
  /** It says that it reaches nobody. */
  says: boolean;
  hasSaid: boolean;
  leftAt: number;
}

/** A second, less what a clock rounds. */
const APART_MS = 999;
/** What failed in an outage may come to be known so much later: the longest deadline, and what is judged then. */
const KNOWN_MS = 70_000;
const failures = new Set(['OUTCOME_UNREACHABLE', 'OUTCOME_TIMED_OUT']);

/** Everybody is reached. */
export function createReach({ problem, elapsed, onSaid }: ReachOptions): Reach {
  const ghosts = new Map<string, Ghost>();

  function ghostOf(process: string): Ghost {
    let ghost = ghosts.get(process);
    if (ghost === undefined)
      ghosts.set(process, (ghost = { cutOffUntil: -Infinity, says: false, hasSaid: false, leftAt: -Infinity }));
    return ghost;
  }

  function said(process: string, says: boolean): void {
    const ghost = ghostOf(process);
    if (says && elapsed() > ghost.cutOffUntil + KNOWN_MS)
      problem('false-cut-off', `${process} takes itself to be cut off, and is not`);
    if (says) onSaid();
    ghost.says = says;
    ghost.hasSaid ||= says;
    ghost.leftAt = -Infinity;
  }

  return {
    cutOff: (process, forMs) => void (ghostOf(process).cutOffUntil = elapsed() + forMs),
    isCutOff: (process) => elapsed() < ghostOf(process).cutOffUntil,
    hasSaid: (process) => ghostOf(process).hasSaid,
    left(process) {
      const ghost = ghostOf(process);
      if (!ghost.says) return;
      const sinceMs = elapsed() - ghost.leftAt;
      if (sinceMs < APART_MS) problem('asked-too-often', `${process} is cut off, and asks again after ${sinceMs} ms`);
      ghost.leftAt = elapsed();
    },
    heard(process, { outcome, number, delivery }, message) {
      if (message.startsWith('egress.cut-off')) said(process, true);
      if (message === 'egress.reached') said(process, false);
      const isFailure = message === 'delivery.attempted' && failures.has(String(outcome)) && Number(number) > 0;
      if (isFailure && ghostOf(process).says)
        problem('attempt-used-while-cut-off', `${process} counts attempt ${String(number)} of ${String(delivery)}`);
    },
    end() {
      for (const ghost of ghosts.values()) ghost.cutOffUntil = Math.min(ghost.cutOffUntil, elapsed());
    },
  };
}
