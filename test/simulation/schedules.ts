import { runSeed, type SeedResult } from './run-seed.ts';

/** A schedule that is too rare for chance: which writes go wrong, in which order. */
export interface Schedule {
  readonly name: string;
  readonly about: string;
}

const schedules: readonly Schedule[] = [];

export function scheduleNames(): readonly Schedule[] {
  return schedules;
}

export async function runSchedule(
  name: string,
  seed: number,
  options: { readonly trace: boolean },
): Promise<SeedResult> {
  if (!schedules.some((schedule) => schedule.name === name)) throw new Error(`there is no schedule ${name}`);
  return runSeed(seed, options);
}
