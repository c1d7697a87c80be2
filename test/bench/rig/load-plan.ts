import type { BenchEndpoint } from '../bench-config.ts';

/** Deliveries or events at a steady rate, to some endpoints in turn. */
export interface Stream {
  /** 0–255. */
  readonly id: number;
  readonly perSecond: number;
  /** Seconds from the beginning of what is measured; negative: before it. */
  readonly from: number;
  readonly to: number;
  /** Numbers of endpoints. */
  readonly targets: readonly number[];
  /** Of an event, instead of the type that only its endpoint asks for (`typeOfEndpoint`). */
  readonly eventType?: string;
  /** Endpoints that each event is for. Default 1. */
  readonly copies?: number;
}

/** What a load writes, and where. */
export interface LoadPlan {
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  readonly partitions: number;
  readonly endpoints: readonly BenchEndpoint[];
  readonly writes: 'deliveries' | 'events';
  readonly bodyBytes: number;
  readonly streams: readonly Stream[];
}

/** What the load tells of itself at its end. */
export interface LoadTold {
  readonly written: number;
  /** How much later than intended records were handed to the client, which counts as latency. */
  readonly lateP99Ms: number;
  readonly lateMaxMs: number;
  readonly cpuUs: number;
}

/** The event type that only this endpoint asks for. */
export const typeOfEndpoint = (endpoint: number): string => `bench.e${endpoint}`;

/** How many of a stream were to be sent between two moments (seconds from the beginning of what is measured). */
export function countOf(stream: Stream, from = stream.from, to = stream.to): number {
  return numberAt(stream, Math.min(to, stream.to)) - numberAt(stream, Math.max(from, stream.from));
}

/** Number of the first record of a stream that is due at this second or later; the last one's and one more behind its end. */
export function numberAt({ perSecond, from }: Stream, second: number): number {
  // Binary fractions must not count one twice or leave one out.
  return Math.max(0, Math.ceil((second - from) * perSecond - 1e-6));
}
