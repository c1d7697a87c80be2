import type { Plant } from '../../support/plant.ts';
import { ownershipRules } from './ownership.ts';
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

export const rules: readonly PlantedRule[] = [...ownershipRules, ...waitingRules];

/** The changes that take a rule out. Throws for a rule that is not listed. */
export function plantsOf(name: string): readonly Plant[] {
  const rule = rules.find((one) => one.name === name);
  if (rule === undefined) throw new Error(`there is no rule ${name} to take out; --list names them`);
  return rule.plants;
}
