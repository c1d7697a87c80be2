import { choosePorts, LocalKafkaError } from '../../deploy/local/index.ts';
import type { LocalKafka } from '../../deploy/local/index.ts';

const containerPort = 9092;

/**
 * One Kafka broker in a container of an image that is configured like `apache/kafka` (`KAFKA_*` variables). Rejects with
 * `DOCKER_UNUSABLE` and one sentence when no engine answers, the image is not there, or the container does not come up.
 */
export async function startContainer(image: string): Promise<LocalKafka> {
  // Loaded only here: it takes half a second, and most runs need no container.
  const { GenericContainer, Wait } = await import('testcontainers');
  const [port] = (await choosePorts(1)) as [number];
  try {
    const container = await new GenericContainer(image)
      .withExposedPorts({ container: containerPort, host: port })
      .withEnvironment(brokerEnvironment(port))
      .withWaitStrategy(Wait.forListeningPorts())
      .start();
    return {
      bootstrapServers: [`127.0.0.1:${port}`],
      brokers: [],
      unref: () => {},
      [Symbol.asyncDispose]: async () => void (await container.stop()),
    };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const message = `POSTRIDER_KAFKA_DOCKER: no Kafka from image ${image}: is a Docker engine running, and is the image there? It said: ${said}`;
    throw new LocalKafkaError([{ code: 'DOCKER_UNUSABLE', message }], { cause: error });
  }
}

function brokerEnvironment(port: number): Record<string, string> {
  return {
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_LISTENERS: `PLAINTEXT://0.0.0.0:${containerPort},CONTROLLER://127.0.0.1:9093`,
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@127.0.0.1:9093',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000',
  };
}
