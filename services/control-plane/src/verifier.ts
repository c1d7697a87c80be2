import { configKey } from '@postrider/config-view';
import { Delivery, DeliveryKind, PriorityClass, RunKind } from '@postrider/contract/postrider/v1/delivery';
import { EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import {
  challengeBody,
  deliveryId,
  encodedBytes,
  limits,
  partitionOf,
  readGone,
  readHealth,
  readVerified,
  VERIFICATION_EVENT_TYPE,
  webhookId,
} from '@postrider/core';
import { DELIVERY_HEADER, header, topicName } from '@postrider/kafka';
import { agreedLimits, isOwed, stateAfter } from './endpoint-proof.ts';
import { goThrough } from './go-through.ts';
import { noteHealth } from './failing-endpoints.ts';
import { disableGone, isStillGone } from './gone-endpoints.ts';
import { createPendingChanges } from './pending-changes.ts';
import type { ConfigSnapshot, ConfigView } from '@postrider/config-view';
import type { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { Clock, RandomBytes, Verified } from '@postrider/core';
import type { Batch, KafkaPort, OutgoingRecord } from '@postrider/kafka';
import type { Logger } from '@postrider/runtime';
import type { Change, ConfigWriter } from './config-writer.ts';
import type { WriterSeat } from './writer-seat.ts';

export interface VerifierOptions {
  readonly kafka: KafkaPort;
  readonly view: ConfigView;
  readonly writer: Pick<ConfigWriter, 'change'>;
  readonly topicPrefix: string;
  /** Where leaders before this one have come to is kept here. */
  readonly offsets: Pick<WriterSeat, 'commit' | 'committed'>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
}

/** An endpoint as it was just written. */
export type WrittenEndpoint = Pick<Endpoint, 'uid' | 'state'>;

/** Asks endpoints to prove that they want events, enables those that do, disables those that say they are gone, and notes which fail. */
export interface Verifier extends AsyncDisposable {
  /** The endpoint was written: if that asked for its proof, the request for it goes out. */
  written(endpoint: WrittenEndpoint): void;
  /** Notes how far `operations` has been read and what follows from it written, so that the next leader goes on from there. */
  note(): Promise<void>;
}

const SOURCE = '/postrider/control-plane';
const ACTOR = 'postrider/operations';

/**
 * The request for a proof is a delivery like any other, sent by a dispatcher; what came of it stands on `operations`. Both
 * topics may say the same twice: a request has the same id each time, and a proof that is not owed changes nothing. So at
 * start everything that is owed is asked for again, and `operations` is read from where the leader before had come to. What an
 * endpoint was asked by an older configuration changes nothing.
 */
export async function startVerifier(options: VerifierOptions): Promise<Verifier> {
  const { kafka, view, topicPrefix, log } = options;
  let closed = false;

  await using stack = new AsyncDisposableStack();
  const changes = stack.use(createPendingChanges({ ...options, actor: ACTOR }));
  const producer = stack.use(kafka.producer({ name: 'verifications' }));
  const ask = (config: EndpointConfig): void => {
    const record = requestRecord(config, view.snapshot(), options);
    producer.enqueue(record, (error) => {
      const endpoint = config.endpoint?.name;
      if (error !== null && !closed) log.error({ error, endpoint }, 'a verification could not be asked for');
    });
  };
  stack.defer(() => {
    closed = true;
  });
  const topic = topicName(topicPrefix, 'operations');
  const from = await lastNoted(options, topic);
  const next = new Map<number, number>();
  function onBatch({ records, partition, nextOffset }: Batch): void {
    next.set(partition, nextOffset);
    for (const record of records) {
      const type = header(record, 'ce_type')?.toString() ?? '';
      const verified = readVerified(type, record.value);
      const gone = readGone(type, record.value);
      const health = readHealth(type, record.value, header(record, 'ce_time')?.toString() ?? '');
      // Whoever was asked was asked after the question had been read back here.
      if (verified !== null && isOwed(view.snapshot().endpoint(verified.endpointId), verified)) {
        changes.want(`verified ${verified.endpointId}`, (change) => enable(change, verified));
      }
      if (gone !== null && isStillGone(view.snapshot().endpoint(gone.endpointId), gone)) {
        changes.want(`gone ${gone.endpointId}`, (change) => disableGone(change, gone));
      }
      // What comes and goes while Kafka is away is written once.
      if (health !== null) changes.want(`health ${health.endpointId}`, (change) => noteHealth(change, health));
    }
  }

  const onTrouble = (error: Error): void => log.warn({ error }, 'operational events cannot be read at the moment');
  stack.use(await kafka.reader({ topic, from, onBatch, onTrouble }));
  const askIfPending = (config: EndpointConfig): void => {
    if (isPending(config)) ask(config);
  };
  await goThrough(view.snapshot().endpoints(), askIfPending, () => false);
  const owned = stack.move();
  return {
    written({ uid, state }) {
      if (state !== EndpointState.PENDING_VERIFICATION) return;
      const config = view.snapshot().endpoint(uid);
      if (config === undefined || !isPending(config)) return;
      if (config.verificationSince === config.endpoint?.revision) ask(config);
    },
    async note() {
      if (!changes.isIdle || next.size === 0) return;
      await options.offsets.commit(Array.from(next, ([partition, offset]) => ({ topic, partition, offset })));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Where to read each partition from; those of which nothing was noted from their beginning. */
async function lastNoted({ kafka, offsets }: VerifierOptions, topic: string): Promise<ReadonlyMap<number, number>> {
  const ranges = await kafka.admin.offsets(topic);
  const noted = await Promise.all(
    ranges.map(async ({ partition, low, high }): Promise<readonly [number, number]> => {
      const offset = (await offsets.committed({ topic, partition }))?.offset ?? low;
      // Of a topic that was made anew, what was noted means nothing.
      return [partition, offset > high ? low : Math.max(low, offset)];
    }),
  );
  return new Map(noted);
}

function isPending({ endpoint, verificationSince }: EndpointConfig): boolean {
  return endpoint?.state === EndpointState.PENDING_VERIFICATION && verificationSince !== '';
}

function enable({ snapshot, put, now }: Change, verified: Verified): void {
  const config = snapshot.endpoint(verified.endpointId);
  const endpoint = config?.endpoint;
  if (config === undefined || endpoint === undefined || !isOwed(config, verified)) return;
  if (snapshot.unreadable('endpoint', endpoint.uid) !== undefined) return;
  const next = stateAfter('not-needed', endpoint, now);
  put(configKey('endpoint', endpoint.uid), (revision) => ({
    $case: 'endpoint',
    value: {
      ...config,
      endpoint: { ...next, limits: agreedLimits(endpoint, verified.allowedPerMinute), updateTime: now, revision },
      verificationSince: '',
    },
  }));
}

function requestRecord(
  { endpoint, verificationSince }: EndpointConfig,
  { layout }: ConfigSnapshot,
  { topicPrefix, clock, random }: VerifierOptions,
): OutgoingRecord {
  const { uid = '', name = '', revision = '' } = endpoint ?? {};
  const tenant = name.split('/')[1] ?? '';
  const id = `${uid}/${verificationSince}`;
  const webhook = webhookId(tenant, SOURCE, id);
  const firstSeen = new Date(clock.now());
  const time = firstSeen.toISOString();
  const delivery = Delivery.fromPartial({
    deliveryId: deliveryId(webhook, uid),
    run: { kind: RunKind.FIRST, id: '' },
    kind: DeliveryKind.VERIFICATION,
    webhookId: webhook,
    ...{ tenant, endpointId: uid, endpointRevision: revision },
    event: { id, source: SOURCE, type: VERIFICATION_EVENT_TYPE, subject: uid, time, contentType: 'application/json' },
    firstSeen,
    expiresAt: new Date(firstSeen.getTime() + limits.verificationSpanMs),
    layoutGeneration: layout?.generation ?? 0,
    priorityClass: PriorityClass.LIVE,
  });
  return {
    topic: topicName(topicPrefix, 'deliveries'),
    partition: partitionOf(uid, layout?.partitions ?? 1),
    key: Buffer.from(uid),
    value: challengeBody(random(24).toString('base64url')),
    headers: { [DELIVERY_HEADER]: encodedBytes(Delivery.encode(delivery)) },
  };
}
