/**
 * Kafka for tests. Three ways lead to one, chosen by the environment, all giving the same type:
 * the Apache jars under Java (the default), one's own cluster (`POSTRIDER_KAFKA_BROKERS=host:port,…`), or a container
 * (`POSTRIDER_KAFKA_DOCKER=image`, where a Docker engine answers).
 */
import { startKafka as startLocalKafka } from '../../deploy/local/index.ts';
import type { LocalKafka, StartKafkaOptions } from '../../deploy/local/index.ts';
import { startContainer } from './kafka-container.ts';

export type { Broker, LocalKafka, UnexpectedExit } from '../../deploy/local/index.ts';

/** What a test asks for; by default one broker. */
export interface TestKafkaOptions extends Omit<StartKafkaOptions, 'brokers'> {
  readonly brokers?: 1 | 3;
  /** The test stops, kills or configures brokers: it gets brokers of its own whatever the environment says. */
  readonly ownBrokers?: boolean;
}

/** The environment variable by which test/run.ts hands one Kafka to all test files of a run. */
export const sharedKafkaVariable = 'TEST_SHARED_KAFKA';

/**
 * A Kafka for this test: `await using kafka = await startKafka({ brokers: 3, ownBrokers: true })`. Of a cluster that is not
 * ours `brokers` is empty and disposing does nothing.
 */
export async function startKafka(options: TestKafkaOptions = {}): Promise<LocalKafka> {
  const { ownBrokers = false, brokers = 1, ...rest } = options;
  if (!ownBrokers) {
    const own = process.env['POSTRIDER_KAFKA_BROKERS'];
    if (own !== undefined && own !== '') return foreignKafka(parseBootstrapServers('POSTRIDER_KAFKA_BROKERS', own));
    const image = process.env['POSTRIDER_KAFKA_DOCKER'];
    if (image !== undefined && image !== '' && brokers === 1) return startContainer(image);
  }
  return startLocalKafka({ brokers, ...rest });
}

let shared: Promise<LocalKafka> | undefined;

/**
 * The one Kafka (one broker) of a test run, for every test that does not touch brokers: each broker costs two seconds and
 * 280 MB. Topics and group ids must be the test's own (`uniqueName`). Never disposed by tests: the runner ends it, and
 * where a file runs alone it ends with the process.
 */
export function sharedKafka(): Promise<LocalKafka> {
  const given = process.env[sharedKafkaVariable];
  shared ??=
    given === undefined || given === ''
      ? startKafka().then((kafka) => {
          kafka.unref();
          return kafka;
        })
      : Promise.resolve(foreignKafka(parseBootstrapServers(sharedKafkaVariable, given)));
  return shared;
}

/** Splits `host:port,host:port`; throws an error that names the variable and the part that is wrong. */
export function parseBootstrapServers(variable: string, text: string): string[] {
  return text.split(',').map((part) => {
    const address = part.trim();
    const port = Number(/^[^\s:]+:(\d{1,5})$/.exec(address)?.[1] ?? /^\[[0-9a-f:]+\]:(\d{1,5})$/i.exec(address)?.[1]);
    if (!(port >= 1 && port <= 65_535)) throw new TypeError(`${variable}: "${address}" is not host:port`);
    return address;
  });
}

function foreignKafka(bootstrapServers: readonly string[]): LocalKafka {
  return { bootstrapServers, brokers: [], unref: () => {}, [Symbol.asyncDispose]: async () => {} };
}
