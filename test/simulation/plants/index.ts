import type { Plant } from '../../support/plant.ts';
import { byHandRules } from './by-hand.ts';
import { failingRules } from './failing.ts';
import { intakeRules } from './intake.ts';
import { mistakes } from './mistakes.ts';
import { orderRules } from './order.ts';
import { ownershipRules } from './ownership.ts';
import { shareRules } from './shares.ts';
import { tierRules } from './tiers.ts';
import { waitingRules } from './waiting.ts';

/** A rule of the product that can be taken out, to see that its absence is noticed. */
export interface PlantedRule {
  readonly name: string;
  /** What is wrong without it. */
  readonly about: string;
  readonly plants: readonly Plant[];
  /** The directed schedule that shows it, where chance is too slow. */
  readonly schedule?: string;
}

export const rules: readonly PlantedRule[] = [
  ...ownershipRules,
  ...intakeRules,
  ...waitingRules,
  ...tierRules,
  ...orderRules,
  ...failingRules,
  ...shareRules,
  ...byHandRules,
  ...mistakes,
];

/** The rule of this name. Throws for one that is not listed. */
export function ruleOf(name: string): PlantedRule {
  const rule = rules.find((one) => one.name === name);
  if (rule === undefined) throw new Error(`there is no rule ${name} to take out; --list names them`);
  return rule;
}

/** The changes that take a rule out. Throws for a rule that is not listed. */
export function plantsOf(name: string): readonly Plant[] {
  return ruleOf(name).plants;
}
