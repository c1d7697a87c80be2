import { CliError, exitCodes } from './cli-error.ts';

type Pairs = Readonly<Record<string, string>>;

/** What is told of labels or headers: those to set, and names of those to take away. */
export interface PairChange {
  /** What one of them is called. Headers are the same in any case of their letters. */
  readonly what: 'label' | 'header';
  readonly set: Pairs;
  readonly remove: readonly string[];
}

/** Whether it says anything. */
export function isChange({ set, remove }: PairChange): boolean {
  return remove.length > 0 || Object.keys(set).length > 0;
}

/** What stands there after a change: all that it does not name stays. Throws `CliError` for a name to remove that is not there. */
export function pairsAfter(before: Pairs, { what, set, remove }: PairChange): Record<string, string> {
  const key = (name: string): string => (what === 'header' ? name.toLowerCase() : name);
  const there = new Set(Object.keys(before).map(key));
  const absent = remove.find((name) => !there.has(key(name)));
  if (absent !== undefined) throw new CliError(exitCodes.notFound, `There is no ${what} "${absent}" to remove.`);
  const replaced = new Set([...Object.keys(set), ...remove].map(key));
  return { ...Object.fromEntries(Object.entries(before).filter(([name]) => !replaced.has(key(name)))), ...set };
}
