import type { Clock } from '@postrider/core';
import { saysNo, type AskName } from './resolve.ts';

/** Names that were answered lately: when another is not, they tell whether any is. */
export interface NameWitnesses {
  readonly names: ReadonlySet<string>;
  answered(hostname: string): void;
  /** Whether another name than the one that failed is answered now. */
  isOneAlive(failedName: string): Promise<boolean>;
}

/** So many are remembered. */
const witnessesMax = 3;

/** Nobody to ask. What one of them says holds for `keptMs`. */
export function createNameWitnesses(ask: AskName, clock: Clock, keptMs: number): NameWitnesses {
  const names = new Set<string>();
  const verdicts = new Map<string, { readonly since: number; readonly answered: Promise<boolean> }>();

  function isAlive(name: string): Promise<boolean> {
    const last = verdicts.get(name);
    if (last !== undefined && clock.monotonic() - last.since < keptMs) return last.answered;
    const asked = ask(name).then(() => true, saysNo);
    verdicts.set(name, { since: clock.monotonic(), answered: asked });
    return asked;
  }

  return {
    names,
    answered(hostname) {
      names.delete(hostname);
      names.add(hostname);
      const [oldest] = names;
      if (names.size > witnessesMax && oldest !== undefined) names.delete(oldest);
    },
    async isOneAlive(failedName) {
      for (const name of verdicts.keys()) if (!names.has(name)) verdicts.delete(name);
      const others = [...names].filter((name) => name !== failedName);
      return (await Promise.all(others.map(isAlive))).some(Boolean);
    },
  };
}
