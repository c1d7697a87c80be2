/** One node of a local cluster: broker and controller in one process, both on loopback. */
export interface NodePlan {
  readonly nodeId: number;
  readonly brokerPort: number;
  readonly controllerPort: number;
  /** Further listeners for clients. */
  readonly edges?: readonly EdgePlan[];
}

/** A listener that tells its clients to come by another port: that of a proxy in front of it. */
export interface EdgePlan {
  /** Upper-case letters, digits and `_`. */
  readonly name: string;
  readonly port: number;
  readonly advertisedPort: number;
}

/** The only address a local Kafka listens on. */
export const host = '127.0.0.1';

/**
 * The text of `server.properties` for one node of a cluster made of `nodes`, in KRaft mode with a static quorum: the voters
 * stand in the file and not in the data, so kept data starts again on other ports.
 * `overrides` win over every default. Values are written as they are; a line break in one is refused with a `TypeError`.
 */
export function serverProperties(
  node: NodePlan,
  nodes: readonly NodePlan[],
  logDir: string,
  overrides: Readonly<Record<string, string | number | boolean>> = {},
): string {
  const properties = { ...defaults(node, nodes, logDir), ...overrides };
  const lines = Object.entries(properties).map(([name, value]) => {
    if (/[\r\n]/.test(`${name}${value}`)) throw new TypeError(`property ${name}: line break in name or value`);
    return `${name}=${value}`;
  });
  return `${lines.join('\n')}\n`;
}

function defaults(
  node: NodePlan,
  nodes: readonly NodePlan[],
  logDir: string,
): Record<string, string | number | boolean> {
  const replicas = nodes.length >= 3 ? 3 : 1;
  const minInSync = replicas === 3 ? 2 : 1;
  const edges = node.edges ?? [];
  const listeners = (port: (edge: EdgePlan) => number) =>
    edges.map((edge) => `,${edge.name}://${host}:${port(edge)}`).join('');
  return {
    'process.roles': 'broker,controller',
    'node.id': node.nodeId,
    listeners: `PLAINTEXT://${host}:${node.brokerPort},CONTROLLER://${host}:${node.controllerPort}${listeners(({ port }) => port)}`,
    'advertised.listeners': `PLAINTEXT://${host}:${node.brokerPort}${listeners(({ advertisedPort }) => advertisedPort)}`,
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${edges.map(({ name }) => `,${name}:PLAINTEXT`).join('')}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': nodes.map((each) => `${each.nodeId}@${host}:${each.controllerPort}`).join(','),
    'log.dirs': logDir,
    'auto.create.topics.enable': false,
    'default.replication.factor': replicas,
    'min.insync.replicas': minInSync,
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': 4,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': minInSync,
    'share.coordinator.state.topic.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': minInSync,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    // Its default of 128 MiB comes out of the heap, and a broker with many partitions then dies when it restarts.
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    // How long a killed broker stays registered, and so how long its restart waits. Alone, nobody else can take over and
    // the wait is all it is; of three on few cores a shorter time would fence brokers that are merely busy.
    'broker.session.timeout.ms': replicas === 3 ? 3000 : 1500,
    'broker.heartbeat.interval.ms': 300,
    'controller.quorum.election.timeout.ms': 1000,
  };
}
