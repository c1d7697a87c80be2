import type { EndpointPlan, Plan } from '../plan.ts';
import type { Random } from '../random.ts';
import type { Step } from '../director.ts';

/** A schedule that is too rare for chance: which writes go wrong, one after the other. */
export interface Schedule {
  readonly name: string;
  readonly about: string;
  /** Before the repetitions of the delivery that is followed. */
  readonly delaysMs: readonly number[];
  readonly steps: readonly Step[];
  /** How its endpoint treats requests, if not by failing all of them. */
  readonly manner?: EndpointPlan['manner'];
  /** It runs with limits that it can reach. */
  readonly narrow?: true;
  /** What is different in its installation from the small one that all begin with. */
  readonly plan?: (small: Plan, random: Random) => Plan;
}
