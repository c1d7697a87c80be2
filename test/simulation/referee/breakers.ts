import type { SendResult } from '@postrider/dispatcher';
import type { Case } from './case.ts';
import type { Referee } from './referee.ts';

/** Endpoints that fail: who has seen one fail again and again keeps to one request at a time, and to long pauses. */
export interface Breakers {
  /** A request arrives that left its process then (virtual ms). What it gives is called with what came of it. */
  left(process: string, one: Case, leftAt: number): (result: SendResult) => void;
}

export interface BreakersOptions {
  readonly referee: Pick<Referee, 'ghost' | 'problem'>;
  /** Virtual ms since the start. */
  readonly elapsed: () => number;
  /** Nothing about the endpoint has ever changed. */
  readonly untouched: (endpointUid: string) => boolean;
  /** A process has lately found that it reached nobody: then all are asked anew. */
  readonly wasCutOff: (process: string) => boolean;
}

/** What one reign has seen of an endpoint. */
interface Ghost {
  /** Failures one after the other, with no answer in between that tells of an endpoint that works. */
  inRow: number;
  failedAt: number;
  /** When they had become too many; null: they have not. */
  openSince: number | null;
  /** Nothing leaves before this. */
  quietUntil: number;
  inFlight: number;
}

const IN_ROW = 10;
/** Failures that are further apart need not be counted together, nor need a process remember what it has not used for so long. */
const TOGETHER_MS = 50_000;
const KEPT_MS = 10 * 60_000;
/** After a request that asked in vain nothing leaves for so long: its first time is half of that, and it was doubled. */
const QUIET_MS = 30_000;

/** Nobody has failed. */
export function createBreakers({ referee, elapsed, untouched, wasCutOff }: BreakersOptions): Breakers {
  const ghosts = new Map<string, Ghost>();

  function ghostOf(key: string): Ghost {
    let ghost = ghosts.get(key);
    if (ghost === undefined) {
      ghost = { inRow: 0, failedAt: -Infinity, openSince: null, quietUntil: -Infinity, inFlight: 0 };
      ghosts.set(key, ghost);
    }
    if (elapsed() - ghost.failedAt > KEPT_MS) close(ghost);
    return ghost;
  }

  function failed(ghost: Ghost, leftAt: number): void {
    const now = elapsed();
    ghost.inRow = now - ghost.failedAt > TOGETHER_MS && ghost.openSince === null ? 1 : ghost.inRow + 1;
    ghost.failedAt = now;
    if (ghost.openSince !== null && leftAt > ghost.openSince) ghost.quietUntil = now + QUIET_MS;
    if (ghost.inRow >= IN_ROW) ghost.openSince ??= now;
  }

  return {
    left(process, one, leftAt) {
      const ghost = ghostOf(`${process} ${one.endpointUid} ${referee.ghost(one.partition).epoch}`);
      const judged = untouched(one.endpointUid) && !wasCutOff(process);
      // What leaves at the moment of an answer may have left before it.
      if (judged && ghost.openSince !== null && leftAt > ghost.openSince) {
        if (ghost.inFlight > 0)
          referee.problem('asked-twice', `${one.key} is sent while another asks a failing endpoint`);
        if (leftAt < ghost.quietUntil)
          referee.problem(
            'asked-too-soon',
            `${one.key} is sent ${ghost.quietUntil - leftAt} ms too soon to a failing endpoint`,
          );
      }
      ghost.inFlight += 1;
      return (result) => {
        ghost.inFlight -= 1;
        const sign = signOf(result);
        if (sign === 'works') close(ghost);
        if (sign === 'fails') failed(ghost, leftAt);
      };
    },
  };
}

function close(ghost: Ghost): void {
  Object.assign(ghost, { inRow: 0, openSince: null, quietUntil: -Infinity });
}

function signOf(result: SendResult): 'works' | 'fails' | null {
  if (result.kind === 'failure') return result.owner === 'endpoint' ? 'fails' : null;
  if (result.status === 410) return null;
  return result.status >= 500 ? 'fails' : 'works';
}
