import { systemClock } from '@postrider/runtime';
import { connectKafka } from '@postrider/kafka';
import { runCli } from './program.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
// A reader that has seen enough (`| head`) closes the pipe; that is no failure.
process.stdout.on('error', () => stop.abort());

process.exitCode = await runCli(process.argv.slice(2), {
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
