import { runCampaign } from '../campaign.ts';
import type { PlantedRule } from './index.ts';

/** What came of a rule that was taken out. */
export interface Catch {
  readonly name: string;
  /** Kinds of broken promises that were seen; empty: it was not noticed. */
  readonly caughtAs: readonly string[];
  /** The directed schedule that was run; null: random ones. */
  readonly schedule: string | null;
  /** The seed that showed it, of how many that were tried. */
  readonly firstSeed: number | null;
  readonly seeds: number;
}

/** What may be tried. */
export interface CatchOptions {
  readonly from: number;
  readonly seeds: number;
  readonly processes: number;
}

/** Takes one rule out and runs its schedule, or random ones, until a promise is broken or all seeds were tried. */
export async function catchRule(rule: PlantedRule, options: CatchOptions): Promise<Catch> {
  const { name, plants } = rule;
  const schedule = rule.schedule ?? null;
  const { problems, seeds } = await runCampaign({ ...options, plants, schedule, trace: false, stopAtFirst: true });
  const firstSeeds = Object.values(problems).map(({ firstSeed }) => firstSeed);
  return {
    name,
    caughtAs: Object.keys(problems).toSorted(),
    schedule,
    firstSeed: firstSeeds.length === 0 ? null : Math.min(...firstSeeds),
    seeds,
  };
}

/** One line for a terminal. */
export function catchLine({ name, caughtAs, schedule, firstSeed, seeds }: Catch): string {
  const where = schedule === null ? 'by chance' : `by ${schedule}`;
  if (firstSeed === null) return `${name.padEnd(20)} NOT NOTICED ${where} in ${seeds} seeds`;
  return `${name.padEnd(20)} ${caughtAs.join(', ')}: ${where}, seed ${firstSeed} (${seeds} tried)`;
}

/** The catches as they stand in the documentation, in the order of the rules. */
export function catchTable(rules: readonly PlantedRule[], catches: readonly Catch[]): string {
  const byName = new Map(catches.map((one) => [one.name, one]));
  const lines = rules.map(({ name, about }) => {
    const one = byName.get(name);
    if (one === undefined) return `| \`${name}\` | ${about} | – | not run |`;
    if (one.firstSeed === null) return `| \`${name}\` | ${about} | **not noticed** | ${one.seeds} seeds |`;
    const how = one.schedule === null ? `chance: seed ${one.firstSeed}` : `\`${one.schedule}\`: seed ${one.firstSeed}`;
    return `| \`${name}\` | ${about} | ${one.caughtAs.join(', ')} | ${how}, ${one.seeds} tried |`;
  });
  return ['| rule | what is wrong without it | noticed as | by |', '|---|---|---|---|', ...lines].join('\n');
}
