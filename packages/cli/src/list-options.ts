import type { Command } from 'commander';

/** Which entries of a list are wanted, and in which order. */
export interface ListOptions {
  readonly filter: string;
  readonly orderBy: string;
}

/** Adds these options to a command that lists; `example` is a filter of what it lists. */
export function addListOptions(command: Command, example: string): Command {
  return command
    .option('--filter <filter>', `only those of which this is true: ${example}`, '')
    .option('--order-by <field>', 'name or create_time; "create_time desc" for the newest first', '');
}
