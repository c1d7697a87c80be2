import { explore } from './explore.ts';
import type { Rules } from './rules.ts';
import type { Script } from './settings.ts';

/** What many schedules found. */
export interface Campaign {
  readonly schedules: number;
  /** Of these without a crash, a pause or a drain that took too long. */
  readonly withoutCrash: number;
  /** Of these with an attempt before its due time, after a crash. */
  readonly withEarlyRetry: number;
  /** Records that takeovers did not read, for they stood below load-from. */
  readonly notRead: number;
  readonly seconds: number;
  /** By kind of problem: how many schedules had it, the first of them, and what it was there. */
  readonly found: Readonly<Record<string, Finding>>;
}

export interface Finding {
  schedules: number;
  readonly seed: number;
  readonly example: string;
}

export interface CampaignOptions {
  readonly rules: Rules;
  readonly seeds: number;
  /** The first seed. */
  readonly from?: number;
  readonly script?: Script | null;
}

/** Plays the schedules of many seeds. */
export function campaign({ rules, seeds, from = 1, script = null }: CampaignOptions): Campaign {
  const found: Record<string, Finding> = {};
  const started = performance.now();
  let withoutCrash = 0;
  let withEarlyRetry = 0;
  let allNotRead = 0;
  for (let seed = from; seed < from + seeds; seed += 1) {
    const { problems, early, notRead, graceful } = explore(seed, { rules, script });
    if (graceful) withoutCrash += 1;
    if (early > 0) withEarlyRetry += 1;
    allNotRead += notRead;
    for (const [kind, example] of problems) {
      found[kind] ??= { schedules: 0, seed, example };
      found[kind].schedules += 1;
    }
  }
  const seconds = Math.round(performance.now() - started) / 1_000;
  return { schedules: seeds, withoutCrash, withEarlyRetry, notRead: allNotRead, seconds, found };
}
