import { createInterface } from 'node:readline/promises';
import { systemClock } from '@postrider/runtime';
import { connectKafka } from '@postrider/kafka';
import { exitCodes } from './cli-error.ts';
import { runCli } from './program.ts';

const stop = new AbortController();
/** The same Ctrl-C may come twice, from the terminal and from the wrapper; a later one means now. */
const sameSignalMs = 1_000;
let stoppedAt = Infinity;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.on(signal, () => {
    if (performance.now() - stoppedAt > sameSignalMs) process.exit(code);
    stoppedAt = Math.min(stoppedAt, performance.now());
    stop.abort();
  });
let unwritten: Error | undefined;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  stop.abort();
  // A reader that has seen enough (`| head`) closes the pipe; that is no failure.
  if (error.code === 'EPIPE' || unwritten !== undefined) return;
  unwritten = error;
  process.stderr.write(`postrider: the output cannot be written: ${error.message}\n`);
  process.exitCode = exitCodes.failed;
});
// Nobody is left to be told.
process.stderr.on('error', () => {});

const exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  ask: process.stdin.isTTY && process.stderr.isTTY ? askAtTerminal : null,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  signal: stop.signal,
  connectKafka: ({ brokers }) =>
    connectKafka({ brokers: [...brokers], clientId: `postrider-cli-${process.pid}`, clock: systemClock }),
});
// What could not be written may be known only later, and then says so itself.
process.exitCode = unwritten === undefined ? exitCode : exitCodes.failed;

/** On standard error: what is asked is no part of the output. */
async function askAtTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question, { signal: stop.signal });
  } finally {
    terminal.close();
  }
}
