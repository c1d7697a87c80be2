import type { Command } from 'commander';
import { collect, collectPairs } from './parse.ts';
import type { PairChange } from './pairs.ts';

/** What the options say of labels. */
export interface LabelOptions {
  readonly label: Record<string, string>;
  readonly removeLabel?: readonly string[];
}

/** Adds the option that sets a label. */
export function addLabelOption(command: Command): Command {
  return command.option('--label <name=value>', 'label; may be given several times', collectPairs, {});
}

/** Adds the option that takes a label away, for `update` alone. */
export function addLabelRemoval(command: Command): Command {
  return command.option('--remove-label <name>', 'label to take away; may be given several times', collect, []);
}

/** The change that the options ask for. */
export function labelChange({ label, removeLabel = [] }: LabelOptions): PairChange {
  return { what: 'label', set: label, remove: removeLabel };
}
