import type { Plan } from '../plan.ts';
import type { Case } from './case.ts';
import type { Referee } from './referee.ts';

/** Judges how long an attempt that has arrived at this endpoint (by the id of its plan) has waited (`now`: ms since the Unix epoch). */
export type Promptness = (one: Case, endpoint: string, now: number) => void;

/** Where a plan says what nothing may keep waiting, that is watched. */
export function createPromptness({ prompt, endpoints }: Plan, referee: Pick<Referee, 'problem'>): Promptness {
  if (prompt === undefined) return () => undefined;
  const meant = new Set(endpoints.filter(({ manner }) => manner === prompt.manner).map(({ id }) => id));
  return (one, endpoint, now) => {
    if (one.lastNumber !== prompt.attempt || !meant.has(endpoint)) return;
    const waitedMs = now - Math.max(one.routedAt, one.dueAt);
    if (waitedMs > prompt.withinMs)
      referee.problem('kept-waiting', `${one.key} attempt ${one.lastNumber} waited ${waitedMs} ms`);
  };
}
