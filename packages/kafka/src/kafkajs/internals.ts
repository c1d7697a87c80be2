/**
 * The parts of kafkajs 2.2.4 that the adapter stands on: connections (framing, TLS, SASL, timeouts) and the codecs of rare
 * requests. Its producer, consumer and admin are not used; the version is pinned, as these parts are not its public face.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

const require = createRequire(import.meta.url);

export interface SocketEntry {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  readonly correlationId: number;
  resolve(answer: { readonly payload: Buffer }): void;
  reject(error: Error): void;
}

export interface RequestQueue {
  readonly inflight: Map<number, unknown>;
  readonly pending: unknown[];
  throttledUntil: number;
  push(request: {
    readonly entry: SocketEntry;
    readonly expectResponse: boolean;
    readonly requestTimeout: number;
    sendRequest(): void;
  }): void;
  fulfillRequest(answer: { correlationId: number; payload: Buffer; size: number }): void;
  maybeThrottle(ms: number): void;
  rejectAll(error: Error): void;
  scheduleCheckPendingRequests(): void;
  destroy(): void;
}

export interface Connection {
  readonly clientId: string;
  readonly requestQueue: RequestQueue;
  readonly socket?: Socket;
  authenticate(): Promise<void>;
  failIfNotConnected(): void;
  nextCorrelationId(): number;
  disconnect(): Promise<unknown>;
}

export interface Protocol {
  readonly request: object;
  readonly response: { decode(payload: Buffer): Promise<unknown>; parse(data: unknown): Promise<unknown> };
  readonly requestTimeout?: number;
}

export interface ConnectionPool {
  readonly host: string;
  readonly port: number;
  readonly pool: Connection[];
  getConnection(index: number): Promise<Connection>;
  send(protocol: Protocol & { readonly logResponseError?: boolean }): Promise<unknown>;
}

export interface Broker {
  readonly connectionPool: ConnectionPool;
  /** What the broker said of each request that it knows, by API key; null before it is connected. */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>> | null;
  isConnected(): boolean;
  connect(): Promise<void>;
  lookupRequest(apiKey: number, definition: unknown): (args: object) => Protocol;
}

export interface Logger {
  namespace(name: string): Logger;
}

export interface ConnectionSettings {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly ssl: ConnectionOptions | null;
  readonly sasl: object | null;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly enforceRequestTimeout: boolean;
  readonly reauthenticationThreshold: number;
  readonly socketFactory: unknown;
  readonly logger: Logger;
}

interface AssignerProtocol {
  readonly MemberMetadata: {
    encode(metadata: { version: number; topics: readonly string[]; userData: Buffer }): Buffer;
    decode(buffer: Buffer): { topics: string[]; userData: Buffer };
  };
  readonly MemberAssignment: {
    encode(assignment: { version: number; assignment: Record<string, readonly number[]> }): Buffer;
    decode(buffer: Buffer): { assignment: Record<string, number[]> } | null;
  };
}

type BrokerClass = new (options: {
  connectionPool: ConnectionPool;
  logger: Logger;
  allowAutoTopicCreation: boolean;
  authenticationTimeout: number;
}) => Broker;

interface LogEntry {
  readonly namespace: string;
  readonly log: { readonly message: string };
}

export const BrokerConnection = require('kafkajs/src/broker/index.js') as BrokerClass;
export const ConnectionPoolClass = require('kafkajs/src/network/connectionPool.js') as new (
  settings: ConnectionSettings,
) => ConnectionPool;
export const ConnectionClass = require('kafkajs/src/network/connection.js') as new (
  settings: ConnectionSettings,
) => Connection;
export const RequestQueueClass = require('kafkajs/src/network/requestQueue/index.js') as {
  readonly prototype: RequestQueue;
};
export const createSocketFactory = require('kafkajs/src/network/socketFactory.js') as () => unknown;
export const assignerProtocol = require('kafkajs/src/consumer/assignerProtocol.js') as AssignerProtocol;
export const apiKeys = require('kafkajs/src/protocol/requests/apiKeys.js') as Readonly<Record<ApiName, number>>;
/** Encoder and decoder of every version of a request, by its name. */
export const apiDefinitions = (
  require('kafkajs/src/protocol/requests/index.js') as { readonly requests: Readonly<Record<ApiName, unknown>> }
).requests;

const loggers = require('kafkajs/src/loggers/index.js') as {
  readonly LEVELS: { readonly ERROR: number };
  createLogger(options: { level: number; logCreator: () => (entry: LogEntry) => void }): Logger;
};

/** A logger of the shape kafkajs wants, that tells `onError` what it would log as an error. */
export function createConnectionLogger(onError: (message: string) => void): Logger {
  const logCreator = () => (entry: LogEntry) => onError(`${entry.namespace}: ${entry.log.message}`);
  return loggers.createLogger({ level: loggers.LEVELS.ERROR, logCreator });
}

/** The requests that are encoded and decoded by kafkajs. */
export type ApiName =
  | 'Metadata'
  | 'GroupCoordinator'
  | 'JoinGroup'
  | 'SyncGroup'
  | 'Heartbeat'
  | 'LeaveGroup'
  | 'OffsetCommit'
  | 'OffsetFetch'
  | 'ListOffsets'
  | 'CreateTopics'
  | 'DeleteRecords'
  | 'DescribeConfigs'
  | 'DescribeGroups'
  | 'InitProducerId'
  | 'AddPartitionsToTxn'
  | 'EndTxn';
