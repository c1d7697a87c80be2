import { KafkaError } from '../port.ts';
import {
  apiDefinitions,
  apiKeys,
  BrokerConnection,
  ConnectionClass,
  ConnectionPoolClass,
  createConnectionLogger,
  createSocketFactory,
} from './internals.ts';
import { hangUp, hangUpWhenSilent } from './hang-up.ts';
import { mendRequestQueueTimer } from './request-queue-timer.ts';
import type { ApiName, Broker, ConnectionSettings } from './internals.ts';
import type { KafkaConnection } from './options.ts';

/** Where the partitions of a topic are led; -1 while there is no leader. */
export interface TopicMetadata {
  readonly errorCode: number;
  readonly leaders: ReadonlyMap<number, number>;
  /** Copies of the first partition. */
  readonly replicas: number;
}

export interface ClusterMetadata {
  readonly clusterId: string;
  readonly controller: number;
  readonly brokers: number;
  readonly topics: ReadonlyMap<string, TopicMetadata>;
}

/** Connections to the brokers of one cluster, and what is known of its topics. Never retries by itself. */
export interface KafkaClient {
  /** The last known metadata of a topic. */
  topic(name: string): TopicMetadata | undefined;
  /** As `ProduceTransport.leaderOf`. */
  leaderOf(topic: string, partition: number): number | 'none' | 'unknown';
  /** Asks for these topics (none: only for the brokers) and remembers the answer. */
  refresh(topics: readonly string[]): Promise<ClusterMetadata>;
  /** A connected broker. Rejects when it is not known or not reachable. */
  broker(nodeId: number): Promise<Broker>;
  /** Any broker that can be connected to. */
  anyBroker(): Promise<Broker>;
  /** A connection of its own, not shared with others of this client. The client closes it, too. */
  dial(host: string, port: number, clientId?: string): Promise<Broker>;
  /** One request; the decoded answer with its error codes, none of them turned into a rejection. */
  call<T>(broker: Broker, api: ApiName, args: object, timeoutMs?: number): Promise<T>;
  /** Forgets a broker whose connection proved bad. */
  drop(broker: Broker): void;
  /** Hangs up on every broker; whatever is in flight rejects, and what is asked next is asked over new connections. */
  reconnect(): void;
  /** Closes everything at once; whatever is in flight rejects. */
  destroy(): void;
}

interface RawMetadata {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number;
    readonly topic: string;
    readonly partitionMetadata: readonly {
      readonly partitionId: number;
      readonly leader: number;
      readonly replicas: readonly number[];
    }[];
  }[];
}

const CONNECTION_TIMEOUT_MS = 3_000;
const AUTHENTICATION_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS_DEFAULT = 15_000;
/** How long before a session of SASL ends it is renewed. */
const REAUTHENTICATION_MS = 10_000;

/** A client that is not connected yet. */
export function createClient(connection: KafkaConnection, clientId: string): KafkaClient {
  mendRequestQueueTimer();
  return new Client(connection, clientId);
}

class Client implements KafkaClient {
  readonly #connection: KafkaConnection;
  readonly #clientId: string;
  readonly #nodes = new Map<number, { readonly host: string; readonly port: number }>();
  readonly #connected = new Map<number, Promise<Broker>>();
  readonly #topics = new Map<string, TopicMetadata>();
  readonly #opened = new Set<Broker>();
  #seed: Promise<Broker> | null = null;
  #nextSeed = 0;
  #destroyed = false;

  constructor(connection: KafkaConnection, clientId: string) {
    this.#connection = connection;
    this.#clientId = clientId;
    // Not every process of a fleet should ask the same broker first.
    this.#nextSeed = process.pid % connection.brokers.length;
  }

  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name);
  }

  leaderOf(topic: string, partition: number): number | 'none' | 'unknown' {
    const leader = this.#topics.get(topic)?.leaders.get(partition);
    return leader === undefined ? 'unknown' : leader < 0 ? 'none' : leader;
  }

  async refresh(topics: readonly string[]): Promise<ClusterMetadata> {
    const broker = await this.anyBroker();
    const raw = await this.call<RawMetadata>(broker, 'Metadata', {
      topics: [...topics],
      allowAutoTopicCreation: false,
    });
    for (const { nodeId, host, port } of raw.brokers) {
      const known = this.#nodes.get(nodeId);
      if (known?.host !== host || known.port !== port) this.#forget(nodeId);
      this.#nodes.set(nodeId, { host, port });
    }
    const found = new Map<string, TopicMetadata>();
    for (const { topic, topicErrorCode, partitionMetadata } of raw.topicMetadata) {
      const leaders = new Map(partitionMetadata.map(({ partitionId, leader }) => [partitionId, leader]));
      found.set(topic, { errorCode: topicErrorCode, leaders, replicas: partitionMetadata[0]?.replicas.length ?? 0 });
    }
    for (const [name, topic] of found) this.#topics.set(name, topic);
    return { clusterId: raw.clusterId ?? '', controller: raw.controllerId, brokers: raw.brokers.length, topics: found };
  }

  async broker(nodeId: number): Promise<Broker> {
    const existing = this.#connected.get(nodeId);
    if (existing !== undefined) {
      const broker = await existing;
      if (broker.isConnected()) return broker;
      this.drop(broker);
    }
    const node = this.#nodes.get(nodeId);
    if (node === undefined) throw new KafkaError('UNAVAILABLE', `broker ${nodeId} is not known`);
    // Whoever came first has dialled already.
    const current = this.#connected.get(nodeId);
    if (current !== existing && current !== undefined) return current;
    const connected = this.dial(node.host, node.port);
    this.#connected.set(nodeId, connected);
    connected.catch(() => this.#connected.get(nodeId) === connected && this.#connected.delete(nodeId));
    return connected;
  }

  async anyBroker(): Promise<Broker> {
    for (const nodeId of shuffled([...this.#connected.keys()])) {
      try {
        return await this.broker(nodeId);
      } catch {
        // The next one may answer.
      }
    }
    return this.#seedBroker();
  }

  async dial(host: string, port: number, clientId = this.#clientId): Promise<Broker> {
    if (this.#destroyed) throw new KafkaError('CLOSED', 'the client is closed');
    const { ssl, sasl, logger } = this.#connection;
    const log = createConnectionLogger((message) => logger?.debug({ broker: `${host}:${port}` }, message));
    const settings: ConnectionSettings = {
      host,
      port,
      clientId,
      ssl: ssl === undefined || ssl === false ? null : ssl === true ? {} : ssl,
      sasl: sasl ?? null,
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS_DEFAULT,
      enforceRequestTimeout: true,
      reauthenticationThreshold: REAUTHENTICATION_MS,
      socketFactory: createSocketFactory(),
      logger: log,
    };
    const connectionPool = new ConnectionPoolClass(settings);
    // It has two, one of them for fetches; none connects before it is used.
    connectionPool.pool.push(new ConnectionClass(settings));
    const broker = new BrokerConnection({
      connectionPool,
      logger: log,
      allowAutoTopicCreation: false,
      authenticationTimeout: AUTHENTICATION_TIMEOUT_MS,
    });
    this.#opened.add(broker);
    try {
      await broker.connect();
    } catch (error) {
      this.drop(broker);
      throw error;
    }
    if (this.#destroyed) {
      this.drop(broker);
      throw new KafkaError('CLOSED', 'the client is closed');
    }
    return broker;
  }

  async call<T>(broker: Broker, api: ApiName, args: object, timeoutMs?: number): Promise<T> {
    const protocol = broker.lookupRequest(apiKeys[api], apiDefinitions[api])(args);
    const { decode } = protocol.response;
    const answer = broker.connectionPool.send({
      request: protocol.request,
      response: { decode, parse: async (data) => data },
      requestTimeout: timeoutMs ?? protocol.requestTimeout ?? REQUEST_TIMEOUT_MS_DEFAULT,
      logResponseError: false,
    });
    return (await hangUpWhenSilent(broker, answer)) as T;
  }

  drop(broker: Broker): void {
    this.#opened.delete(broker);
    void hangUp(broker);
  }

  reconnect(): void {
    for (const nodeId of [...this.#connected.keys()]) this.#forget(nodeId);
  }

  destroy(): void {
    this.#destroyed = true;
    this.#connected.clear();
    this.#seed = null;
    for (const broker of [...this.#opened]) this.drop(broker);
  }

  #forget(nodeId: number): void {
    const connected = this.#connected.get(nodeId);
    this.#connected.delete(nodeId);
    connected?.then(
      (broker) => this.drop(broker),
      () => undefined,
    );
  }

  async #seedBroker(): Promise<Broker> {
    const current = await this.#seed?.catch(() => null);
    if (current?.isConnected() === true) return current;
    if (current !== null && current !== undefined) this.drop(current);
    const { brokers } = this.#connection;
    let failure: unknown;
    for (let tried = 0; tried < brokers.length; tried += 1) {
      const { host, port } = parseAddress(brokers[this.#nextSeed++ % brokers.length] as string);
      try {
        this.#seed = this.dial(host, port);
        return await this.#seed;
      } catch (error) {
        failure = error;
      }
    }
    const reason = failure instanceof Error ? failure.message : String(failure);
    throw new KafkaError('UNAVAILABLE', `no broker answers at ${brokers.join(', ')}: ${reason}`, { cause: failure });
  }
}

/** Splits `host:port`; IPv6 in brackets. Throws `INVALID_ARGUMENT`. */
export function parseAddress(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, Math.max(0, at)).replace(/^\[(.*)\]$/, '$1');
  const port = Number(address.slice(at + 1));
  if (host === '' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new KafkaError('INVALID_ARGUMENT', `a broker's address is host:port, not ${JSON.stringify(address)}`);
  }
  return { host, port };
}

function shuffled<T>(list: T[]): T[] {
  return list
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
