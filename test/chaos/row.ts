import type { TestKafkaOptions } from '../support/kafka.ts';
import type { Receiver } from '../support/receiver.ts';
import type { Scene } from './scene.ts';

/** One fault of the table: what is broken, how, and what must be true afterwards. */
export type Row = RowFacts & (Play | { readonly prepare: (undo: AsyncDisposableStack) => Promise<Play | Skip> });

export interface RowFacts {
  /** `F1`, `F2`, … */
  readonly id: string;
  readonly title: string;
  /** Default 1. */
  readonly brokers?: 1 | 3;
  /** How soon the first events after the fault are where they belong, in milliseconds. */
  readonly recoveryMsMax: number;
  /** Nothing may be repeated, whatever could explain it. */
  readonly noDuplicates?: boolean;
  /** Slowest hundredth of endpoints that the fault does not concern: at most this many times the baseline's, or the pace's `calmSlackMs` more. */
  readonly calmRatioMax?: number;
}

/** What a row does, and what it does it with. */
export interface Play {
  readonly kafka?: Omit<TestKafkaOptions, 'brokers' | 'edges'>;
  /** What a process is told besides, by its name. */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
  /** The file that holds the key-encryption keys; read at each start of a process. */
  readonly kekFile?: string;
  /** Where the endpoint of a path is, once the receiver listens; by default at the receiver itself. */
  readonly urls?: (receiver: Receiver) => Promise<(path: string) => string>;
  /** Does the damage, mends it, and comes back. */
  inject(scene: Scene): Promise<void>;
}

/** The row cannot be played here. */
export interface Skip {
  readonly skip: string;
}

/** Something that a row promises besides the figures that all rows have. */
export interface Outcome {
  readonly text: string;
  readonly ok: boolean;
}

/** Slowest hundredth of the deliveries of certain endpoints, in milliseconds from the event's acceptance to its first request. */
export interface Latency {
  readonly baselineMs: number;
  /** While broken; null when the fault concerns every endpoint. */
  readonly brokenMs: number | null;
}

export interface RowResult {
  readonly id: string;
  readonly title: string;
  /** One sentence for each promise that was broken; empty: the row is green. */
  readonly problems: readonly string[];
  readonly eventsPerSecond: number;
  readonly sessionMs: number;
  readonly deliveries: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Requests that were in flight, unacknowledged, or finished since the last sure progress when a reign ended unreleased. */
  readonly duplicatesAllowed: number;
  /** The longest of the row; null when nothing had to recover. */
  readonly recoveryMs: number | null;
  readonly recoveryMsMax: number;
  readonly latency: Latency;
  readonly outcomes: readonly Outcome[];
  readonly seconds: number;
}
