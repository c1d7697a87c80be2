import type { ListDispatchersResponse } from '@postrider/contract/postrider/v1/dispatcher_service';
import type { ListKeyEncryptionKeysResponse } from '@postrider/contract/postrider/v1/secret_service';
import type { Pause } from '@postrider/contract/postrider/v1/pause';
import type { GroupDescription, OwnerOfPartition } from '@postrider/kafka';

/** What could be asked, or why not. */
export type Asked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** The layout record, as far as it matters here. */
export interface LayoutFacts {
  readonly partitions: number;
  /** The process that wrote the configuration last; empty: none has. */
  readonly writer: string;
}

/** Deliveries of one partition that are not done. */
export interface Lag {
  readonly partition: number;
  readonly records: number;
}

/** Events of one partition of a source topic that are not routed. */
export interface SourceLag extends Lag {
  readonly topic: string;
}

/** What Kafka says of an installation. */
export interface KafkaFacts {
  readonly brokers: number;
  /** What is wrong with topics, a sentence each. */
  readonly topicProblems: readonly string[];
  readonly layout: Asked<LayoutFacts | null>;
  readonly dispatchers: Asked<GroupDescription>;
  readonly routers: Asked<GroupDescription>;
  readonly owners: Asked<readonly OwnerOfPartition[]>;
  readonly lags: Asked<readonly Lag[]>;
  readonly sourceLags: Asked<readonly SourceLag[]>;
}

/** What the control plane says. */
export interface PlaneFacts {
  readonly dispatchers: ListDispatchersResponse;
  readonly pauses: readonly Pause[];
  readonly keys: ListKeyEncryptionKeysResponse;
  /** When the certificate that it shows ends; null: it shows none. */
  readonly certificateEnds: Date | null;
}

/** Everything that findings are made from. Undefined: nobody was asked, for want of an address. */
export interface Facts {
  /** ms since the Unix epoch, by the clock of the machine that asks. */
  readonly now: number;
  readonly version: string;
  readonly kafka: Asked<KafkaFacts> | undefined;
  readonly plane: Asked<PlaneFacts> | undefined;
}
