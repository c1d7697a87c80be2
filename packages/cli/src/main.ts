import { systemClock } from '@postrider/runtime';
import { connectKafka } from '@postrider/kafka';
import { exitCodes } from './cli-error.ts';
import { runCli } from './program.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
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
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  signal: stop.signal,
  connectKafka: ({ brokers }) =>
    connectKafka({ brokers: [...brokers], clientId: `postrider-cli-${process.pid}`, clock: systemClock }),
});
// What could not be written may be known only later, and then says so itself.
process.exitCode = unwritten === undefined ? exitCode : exitCodes.failed;
