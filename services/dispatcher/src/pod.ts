import type { ConfigView, DataKeys } from '@postrider/config-view';
import type { Clock, RandomBytes, RandomFraction } from '@postrider/core';
import type { Admin, KafkaPort, Producer, TopicId } from '@postrider/kafka';
import type { AnsweringBook } from './answering-book.ts';
import type { AttemptWriter } from './attempt-record.ts';
import type { ByteMeter } from './byte-meter.ts';
import type { Send } from './dispatch-delivery.ts';
import type { DestinationCap } from './destination-cap.ts';
import type { EgressPools } from './egress-pools.ts';
import type { EndpointCache } from './endpoint-cache.ts';
import type { DoneFilter } from './done-filter.ts';
import type { DispatcherEvents } from './events.ts';
import type { ConfigEnd } from './config-end.ts';
import type { FreshOffsets, TopicIds } from './fresh-offsets.ts';
import type { OperationsTopic } from './operations.ts';
import type { Pauses } from './pauses.ts';
import type { Reach } from './reach.ts';
import type { RowBound } from './row-bound.ts';
import type { Scheduler } from './scheduler.ts';
import type { Slices } from './slices.ts';
import type { Unsettled } from './unsettled.ts';
import type { Trouble } from './trouble.ts';
import type { WaitingStores } from './waiting-stores.ts';

/** What all partitions of a process share. */
export interface Pod {
  /** Unique per start of the process: the client id in the group, and the name in claims. */
  readonly processId: string;
  readonly groupId: string;
  /** Where it answers questions, `host:port`; empty: it answers none. */
  readonly address: string;
  readonly clock: Clock;
  /** Ids, one after the other from a pool. */
  readonly randomId: RandomBytes;
  readonly randomFraction: RandomFraction;
  readonly events: DispatcherEvents;
  readonly admin: Admin;
  readonly reader: KafkaPort['reader'];
  /** For ownership and tiers. */
  readonly stateProducer: Producer;
  /** For attempts and dead letters. */
  readonly resultProducer: Producer;
  readonly topic: (id: TopicId) => string;
  readonly freshOffsets: FreshOffsets;
  /** Ids of `ownership` and of the topics of intake. */
  readonly topicIds: TopicIds;
  readonly offsetsAt: Admin['offsetsAt'];
  readonly configEnd: ConfigEnd;
  readonly view: ConfigView;
  readonly endpoints: EndpointCache;
  readonly dataKeys: Pick<DataKeys, 'onChange'>;
  readonly send: Send;
  readonly pools: EgressPools;
  readonly names: Trouble;
  readonly reach: Reach;
  readonly pauses: Pauses;
  readonly answering: AnsweringBook;
  readonly userAgent: string;
  /** Who asks an endpoint for permission: a host name. */
  readonly origin: string;
  readonly attempts: AttemptWriter;
  readonly operations: OperationsTopic;
  /** Long work of all partitions takes its turns here. */
  readonly slices: Slices;
  /** For what has time. */
  readonly sweeps: Slices;
  /** What is read of retry tiers and not gone through yet. */
  readonly loading: ByteMeter;
  readonly scheduler: Scheduler;
  /** Null: there is no cap. */
  readonly destinations: DestinationCap | null;
  /** Requests in flight of a lane that nothing is known of. */
  readonly concurrencyStart: number;
  /** Null: there is none. */
  readonly doneFilter: DoneFilter | null;
  readonly unsettled: Unsettled;
  readonly meter: ByteMeter;
  /** Of deliveries from `deliveries.bulk` alone. */
  readonly bulkMeter: ByteMeter;
  readonly rowBound: RowBound;
  /** The process has let go of everything: nobody waits for anything any more. */
  readonly stopped: () => boolean;
  readonly stores: WaitingStores;
}
