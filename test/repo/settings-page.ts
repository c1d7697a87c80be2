import { settingsOf, type EnvSpec, type Setting } from '@postrider/runtime';
import { controlPlaneEnv } from '../../services/control-plane/src/config.ts';
import { dispatcherEnv } from '../../services/dispatcher/src/config.ts';
import { routerEnv } from '../../services/router/src/config.ts';

export const settingsPagePath = 'docs/operations/settings.md';

/** Every setting of a role, by the role's name. */
export const settingsByRole: ReadonlyMap<string, readonly Setting[]> = new Map(
  Object.entries({
    'control-plane': controlPlaneEnv,
    router: routerEnv,
    dispatcher: dispatcherEnv,
  } satisfies Record<string, EnvSpec>).map(([role, spec]) => [role, settingsOf(spec)]),
);

/** The settings of every role as a Markdown page, as the code that reads them tells them: what all have alike comes first. */
export function settingsPage(): string {
  const roles = [...settingsByRole];
  const everywhere = (row: string): boolean =>
    roles.every(([, settings]) => settings.some((setting) => rowOf(setting) === row));
  const [, first = []] = roles[0] ?? [];
  const shared = first.map(rowOf).filter(everywhere);
  const parts = [
    '# Settings',
    '<!-- Written from packages/runtime/ and services/ by `npm run generate`. Do not edit. -->',
    `What each process reads from its environment, once, at its start; all that is wrong with it is told at once, by name, and a \`POSTRIDER_\` variable that it does not know is refused. In the [chart](install.md#the-chart), values set most of these, and \`extraEnv\` of a role the rest.`,
    `A duration is written \`250ms\`, \`30s\`, \`5m\`, \`2h\` or \`7d\`; a size \`512B\`, \`64KiB\`, \`1MiB\` or \`2GiB\`. Where a row names two variables, the second holds the path of a file with the value, and only one may be set.`,
    `Telemetry follows the \`OTEL_*\` variables ([telemetry](telemetry.md)). \`npm start\` has its own few: \`npm start -- --help\`. Those of the command line are in [its page](../cli.md).`,
    '## Every role',
    table(shared),
    ...roles.flatMap(([role, settings]) => [
      `## ${role}`,
      table(settings.map(rowOf).filter((row) => !shared.includes(row))),
    ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function table(rows: readonly string[]): string {
  return ['| variable | takes | default | says |', '|---|---|---|---|', ...rows].join('\n');
}

function rowOf({ variables, takes, default: held, says }: Setting): string {
  const names = variables.map((name) => `\`${name}\``).join(' or ');
  return `| ${names} | ${takes} | ${held === undefined ? '**must be given**' : defaultCell(held)} | ${says} |`;
}

/** What could be written is shown as code; a sentence is not. */
function defaultCell(held: string | null): string {
  if (held === null || held === '') return 'none';
  return /^[^\s`]+$/.test(held) ? `\`${held}\`` : held;
}
