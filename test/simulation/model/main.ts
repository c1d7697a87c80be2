/**
 * The model of ownership and waiting: `npm run model -- [flags]`, see `README.md` beside this file.
 */
import { parseArgs } from 'node:util';
import { campaign, type Campaign } from './campaign.ts';
import { explore } from './explore.ts';
import { isRule, RULE_NAMES, RULES, rulesWithout, type Rule } from './rules.ts';
import { printLine } from '../../repo/steps.ts';
import { tellUsage } from '../../support/tell-usage.ts';
import { scriptOf, SCRIPTS } from './scripts.ts';

const usage = `usage: npm run model -- [flags]

  --seeds <n>         play n schedules (default 20000)
  --from <n>          the first seed (default 1)
  --seed <n>          play one schedule
  --trace             … and print what happens in it
  --without <rule>    leave a rule out; may be given several times
  --script <name>     begin each schedule as a directed one does
  --all               leave out each rule in turn
  --list              print the rules and the scripts
`;

function wholeNumber(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new RangeError(`--${name} must be a whole number, not '${text}'`);
}

function ruleOf(name: string): Rule {
  if (isRule(name)) return name;
  throw new RangeError(`--without: there is no rule '${name}'; see --list`);
}

function read() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '20000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      without: { type: 'string', multiple: true, default: [] },
      script: { type: 'string' },
      all: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const script = values.script === undefined ? null : scriptOf(values.script);
  if (values.script !== undefined && script === null)
    throw new RangeError(`--script: there is no script '${values.script}'; see --list`);
  return {
    ...values,
    seeds: wholeNumber('seeds', values.seeds),
    from: wholeNumber('from', values.from),
    seed: values.seed === undefined ? null : wholeNumber('seed', values.seed),
    rules: rulesWithout(values.without.map(ruleOf)),
    script,
  };
}

function summary({ found }: Campaign): string {
  const kinds = Object.entries(found).map(([kind, { schedules, seed }]) => `${kind} ${schedules} (seed ${seed})`);
  return kinds.join(', ');
}

/** Leaves out each rule in turn, and shows what catches it. */
function leaveOutEach(seeds: number, from: number): void {
  const all = campaign({ rules: rulesWithout(), seeds, from });
  printLine(`all rules obeyed: ${summary(all) || 'clean'} (${seeds} schedules, ${all.seconds} s)`);
  for (const [name, script] of Object.entries(SCRIPTS))
    printLine(
      `  script ${name.padEnd(16)} ${summary(campaign({ rules: rulesWithout(), seeds: script.seeds, script })) || 'clean'}`,
    );
  for (const rule of RULE_NAMES) {
    const rules = rulesWithout([rule]);
    const byChance = summary(campaign({ rules, seeds, from })) || 'not found by chance';
    const script = scriptOf(rule);
    const directed = script === null ? '' : ` | script: ${summary(campaign({ rules, seeds: script.seeds, script }))}`;
    printLine(`${rule.padEnd(18)} ${byChance}${directed}`);
  }
}

function main(): void {
  const { help, list, all, seed, trace, rules, script, seeds, from } = read();
  if (help) return tellUsage(null, usage);
  if (list) {
    for (const [name, text] of Object.entries(RULES)) printLine(`${name.padEnd(18)} ${text}`);
    return printLine(`\nscripts: ${Object.keys(SCRIPTS).join(', ')}`);
  }
  if (all) return leaveOutEach(seeds, from);
  if (seed !== null) {
    const one = explore(seed, { rules, script, trace });
    for (const line of one.trace) printLine(line);
    for (const [kind, example] of one.problems) printLine(`${kind}: ${example}`);
    process.exitCode = one.problems.size === 0 ? 0 : 1;
    return;
  }
  const result = campaign({ rules, seeds, from, script });
  printLine(JSON.stringify(result, null, 1));
  process.exitCode = Object.keys(result.found).length === 0 ? 0 : 1;
}

try {
  main();
} catch (error) {
  tellUsage((error as Error).message, usage);
}
