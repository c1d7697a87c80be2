import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { buildProgram } from './program.ts';

/** Every command, to be looked at: none of them can be run. */
export function programOfNobody(): Command {
  return buildProgram(nobody);
}

/** A command that does something, and how it is called. */
export interface Leaf {
  /** `tenant create`. */
  readonly path: string;
  readonly command: Command;
}

/** Every command that does something, in the order of the help. */
export function leavesOf(parent: Command, before: readonly string[] = []): Leaf[] {
  return parent.commands.flatMap((command) => {
    const names = [...before, command.name()];
    return command.commands.length > 0 ? leavesOf(command, names) : [{ path: names.join(' '), command }];
  });
}

/** The example that a command's help ends with, without `postrider`; empty: it has none. */
export function exampleOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => void (text += part) });
  command.outputHelp();
  return /Example:\n {2}postrider (.+)/.exec(text)?.[1] ?? '';
}

const nobody: CliContext = {
  env: {},
  cwd: '/',
  stdin: (async function* () {})(),
  ask: null,
  out: () => {},
  err: () => {},
  columns: undefined,
  signal: new AbortController().signal,
  connectKafka: () => {
    throw new Error('no command is run');
  },
};
