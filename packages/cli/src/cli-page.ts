import type { Command, Option } from 'commander';
import { exampleOf, leavesOf, programOfNobody, type Leaf } from './command-tree.ts';
import { exitCodeHelp, optionDescription } from './program.ts';

/** Every command with its options and an example, as a Markdown page. */
export function cliPage(): string {
  const program = programOfNobody();
  const leaves = leavesOf(program);
  const parts = [
    '# The command line',
    '<!-- Written from packages/cli/ by `npm run generate`. Do not edit. -->',
    program.description(),
    exitCodeHelp.trim(),
    'Every command takes these:',
    optionsTable(program.options.filter(({ long }) => long !== '--version')),
    `Lists are tables for people; with \`--json\` everything is printed as JSON: the fields of the [API](api/reference/README.md) as
proto3 JSON, durations as "5s", those that hold nothing too; and a failure as one line
of JSON on standard error: \`{"error":{"code","reason","message","field"}}\`, the code a gRPC status, the rest empty where there is none. What cannot be taken back asks first at a terminal, and elsewhere wants \`--yes\`.`,
    ...leaves.flatMap((leaf) => section(leaf, new Set(program.options.map(({ long }) => long)))),
  ];
  return `${parts.join('\n\n')}\n`;
}

function section({ path, command }: Leaf, everywhere: ReadonlySet<string | undefined>): string[] {
  const takes = command.registeredArguments.map((argument) => ` ${argumentWords(command, argument.name())}`).join('');
  const own = command.options.filter(({ long, hidden }) => !hidden && !everywhere.has(long));
  const example = ['```', `postrider ${exampleOf(command)}`, '```'].join('\n');
  return [`## \`${path}${takes}\``, command.description(), ...(own.length === 0 ? [] : [optionsTable(own)]), example];
}

/** `<tenant>`, `[url...]`: as the usage line says it. */
function argumentWords(command: Command, name: string): string {
  return (
    command
      .usage()
      .split(' ')
      .find((part) => /^[<[]/.test(part) && part.includes(name)) ?? `<${name}>`
  );
}

function optionsTable(options: readonly Option[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = options.map((option) => `| \`${cell(option.flags)}\` | ${cell(optionDescription(option))} |`);
  return ['| option | says |', '|---|---|', ...rows].join('\n');
}
