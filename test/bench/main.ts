/**
 * Benchmarks: `npm run bench -- <bench> [flags]`. Absolute figures depend on the machine; what compares is the ratio to the
 * raw loop that is measured in the same run.
 */
import { parseCommand, usage } from './options.ts';

const command = parseCommand(process.argv.slice(2));
if (command.kind === 'usage') {
  const { problem } = command;
  if (problem === null) process.stdout.write(usage);
  else process.stderr.write(`${problem}\n\n${usage}`);
  process.exitCode = problem === null ? 0 : 2;
} else {
  // Loaded only now: usage is answered without waiting for it.
  const { benchDispatch } = await import('./dispatch.ts');
  try {
    await benchDispatch(command.options);
  } catch (error) {
    process.stderr.write(`bench dispatch failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  }
}
