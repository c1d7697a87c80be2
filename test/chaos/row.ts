import type { TestKafkaOptions } from '../support/kafka.ts';
import type { StackOptions } from '../support/stack.ts';
import type { Scene } from './scene.ts';

/** One fault of the table: what is broken, how, and what must be true afterwards. */
export interface Row {
  /** `F1`, `F2`, … */
  readonly id: string;
  readonly title: string;
  /** Default 1. */
  readonly brokers?: 1 | 3;
  readonly kafka?: Omit<TestKafkaOptions, 'brokers' | 'edges'>;
  /** What differs from two routers and three dispatchers with a session of 6 s. */
  readonly stack?: Partial<StackOptions>;
  /** Default 30. */
  readonly eventsPerSecond?: number;
  /** Every endpoint that the fault concerns gets new events again this soon, in milliseconds. */
  readonly recoveryMsMax: number;
  /** Repeats that are allowed although nothing explains them: none, unless the row says why. */
  readonly noDuplicates?: boolean;
  /** Slowest hundredth of endpoints that the fault does not concern: at most this many times the baseline's, and `calmSlackMs`. */
  readonly calmRatioMax?: number;
  /** Does the damage, mends it, and comes back. */
  inject(scene: Scene): Promise<void>;
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
