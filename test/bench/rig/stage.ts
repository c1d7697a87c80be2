import { connectKafka, type KafkaPort } from '@postrider/kafka';
import { systemClock } from '@postrider/runtime';
import { startKafka, type LocalKafka } from '../../support/kafka.ts';
import { tempDir } from '../../support/resources.ts';
import { load, machineFacts } from '../machine.ts';
import type { MachineFacts } from '../report.ts';

/** What all runs of a bench share. */
export interface Stage extends AsyncDisposable {
  readonly kafka: LocalKafka;
  readonly port: KafkaPort;
  readonly bootstrapServers: readonly string[];
  /** Absent: the broker is not ours. */
  readonly brokerPid: number | undefined;
  /** For logs, stores and profiles. */
  readonly directory: string;
  readonly say: (line: string) => void;
  machineFacts(): MachineFacts;
}

/** Starts a Kafka that does not outlive this process. */
export async function openStage(): Promise<Stage> {
  if (process.platform !== 'linux') throw new Error('CPU time of other processes is read from /proc: Linux is needed');
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const loadBefore = load();
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await tempDir()).path;
  const kafka = stack.use(await startKafka({ log: say, fullyCompiled: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      // What is left with the process: the broker, and with its channel each of its children.
      kafka.unref();
      process.exit(1);
    });
  }
  const { bootstrapServers } = kafka;
  const port = stack.use(connectKafka({ brokers: bootstrapServers, clientId: 'bench', clock: systemClock }));
  const owned = stack.move();
  return {
    ...{ kafka, port, bootstrapServers, directory, say },
    brokerPid: kafka.brokers[0]?.pid,
    machineFacts: () => machineFacts(kafka, loadBefore),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
