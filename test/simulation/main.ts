/**
 * Searches random schedules for a broken promise: `npm run simulate -- --seeds 10000`. The real router, dispatcher, config
 * view and waiting store run over a fake Kafka, a fake clock and scripted endpoints; a seed decides everything.
 */
import { runCampaign, type CampaignSummary } from './campaign.ts';
import { ALL, parseCommand, usage, type SimulateOptions } from './options.ts';
import { catchLine, catchRule } from './plants/catch.ts';
import { plantsOf, ruleOf, rules } from './plants/index.ts';
import { recordCatches } from './plants/record.ts';
import { scheduleNames } from './schedules.ts';
import { writeNames } from './referee/named-writes.ts';
import { tellUsage } from '../support/tell-usage.ts';
import type { SeedResult } from './run-seed.ts';

const PROGRESS_EVERY_MS = 2_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const command = parseCommand(process.argv.slice(2));
if (command.kind === 'usage') {
  tellUsage(command.problem, usage);
} else if (command.kind === 'list') {
  for (const { name, about } of rules) say(`--without ${name.padEnd(24)} ${about}`);
  for (const { name, about } of scheduleNames()) say(`--schedule ${name.padEnd(23)} ${about}`);
} else if (command.options.record || command.options.without.includes(ALL)) {
  await catchRules(command.options);
} else {
  await simulate(command.options);
}

/** Takes one rule out after the other. */
async function catchRules(options: SimulateOptions): Promise<void> {
  const chosen = options.without.includes(ALL) ? rules : options.without.map(ruleOf);
  const catches = [];
  for (const rule of chosen) {
    const one = await catchRule(rule, options);
    say(catchLine(one));
    catches.push(one);
    // Kept at once: all of them take a while.
    if (options.record) recordCatches([one]);
  }
  const unnoticed = catches.filter(({ firstSeed }) => firstSeed === null).map(({ name }) => name);
  say(JSON.stringify({ simulate: { without: catches, unnoticed } }));
  process.exitCode = unnoticed.length > 0 ? 1 : 0;
}

async function simulate(options: SimulateOptions): Promise<void> {
  const plants = options.without.flatMap((rule) => plantsOf(rule));
  let saidAt = performance.now();
  let failed = 0;
  const onResult = (result: SeedResult, done: number): void => {
    if (options.trace) for (const line of result.lines) say(line);
    if (result.problems.length > 0) {
      failed += 1;
      if (failed <= 5) tellProblems(result, options);
    }
    if (performance.now() - saidAt < PROGRESS_EVERY_MS) return;
    saidAt = performance.now();
    process.stderr.write(`${done} of ${options.seeds} seeds, ${failed} with problems\n`);
  };
  // Of a rule that was taken out one broken promise is enough.
  const stopAtFirst = options.without.length > 0;
  const summary = await runCampaign({ ...options, plants, stopAtFirst, onResult });
  tellCoverage(summary);
  say(JSON.stringify({ simulate: { ...summary, without: options.without, schedule: options.schedule } }));
  process.exitCode = summary.failed > 0 ? 1 : 0;
}

function tellProblems({ seed, problems }: SeedResult, { without, schedule }: SimulateOptions): void {
  say(`seed ${seed}:`);
  for (const { kind, text, atMs } of problems) say(`  ${kind} at ${(atMs / 1_000).toFixed(3)} s: ${text}`);
  const flags = [
    ...without.map((rule) => ` --without ${rule}`),
    schedule === null ? '' : ` --schedule ${schedule}`,
  ].join('');
  say(`  again: npm run simulate -- --seed ${seed} --trace${flags}`);
}

function tellCoverage({ coverage, seeds, failed, deliveries, requests, virtualHours, seconds }: CampaignSummary): void {
  say('crashes at named writes        written    before    after');
  for (const name of writeNames) {
    const { written, before, after } = coverage.crashes[name] ?? { written: 0, before: 0, after: 0 };
    const numbers = [written, before, after].map((number) => String(number).padStart(9));
    say(`  ${name.padEnd(26)} ${numbers.join('')}`);
  }
  for (const [name, times] of Object.entries(coverage.situations).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    say(`  ${name.padEnd(36)} ${String(times).padStart(8)}`);
  const days = Math.round(virtualHours / 24);
  say(
    `${seeds} seeds, ${failed} with problems; ${deliveries} deliveries, ${requests} requests, ${days} virtual days, ${seconds.toFixed(1)} s`,
  );
}
