import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { LAYOUT_KEY, parseConfigKey, schemaVersionOf, WRITER_KEY } from '@postrider/config-view';
import { formatRevision, PostriderError } from '@postrider/core';
import { CONFIG_HEADER } from '@postrider/kafka';
import { createTurns } from './turns.ts';
import { serverLimits } from './server-limits.ts';
import type { ConfigEntity, ConfigSnapshot, ConfigView } from '@postrider/config-view';
import type { Clock, RandomBytes } from '@postrider/core';
import type { KafkaPort, OutgoingRecord, Producer } from '@postrider/kafka';
import type { Logger } from '@postrider/runtime';

export interface ConfigWriterOptions {
  readonly kafka: KafkaPort;
  readonly view: ConfigView;
  readonly topic: string;
  readonly processId: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  /** Whether this process may write now. */
  readonly mayWrite: () => boolean;
}

/**
 * One change, as its plan makes it: what it writes, in this order. Rows of one kind go out together, and those of the next
 * kind only when all before them are stored: whatever fails or crashes, what depends on something is gone before it.
 */
export interface Change {
  /** The configuration that the plan decides on: nothing else is being written meanwhile. */
  readonly snapshot: ConfigSnapshot;
  readonly now: Date;
  /** Writes an entity and gives it back; `entity` is given the revision that the record will have. */
  put<E extends ConfigEntity>(key: string, entity: (revision: string) => E): E;
  remove(key: string): void;
}

/** The only writer of `config`. */
export interface ConfigWriter extends AsyncDisposable {
  /**
   * Changes the configuration: `plan` runs when no other change is under way, throws what speaks against it, and says what
   * to write and to answer. Resolves once this process has read its own records back.
   * @throws PostriderError `unavailable` when Kafka has not confirmed it in time (whether it took effect is then unknown),
   * or this process is not the writer any more; and what `plan` throws
   */
  change<T>(actor: string, plan: (change: Change) => T): Promise<T>;
  /** Calls `listener` once a newer writer has claimed the topic. */
  onSuperseded(listener: (why: string) => void): void;
  /** Writes the truth of these keys again: behind it, a record of an older writer would outlive it in a compacted topic. */
  restate(keys: Iterable<string>): Promise<void>;
}

/**
 * Claims the topic and becomes its writer. The claim's own offset is the writer epoch; every revision lies above it, and
 * grows by one with every record.
 * @throws PostriderError `unavailable` when the claim is not read back, or another one stands behind it
 */
export async function claimConfig(options: ConfigWriterOptions): Promise<ConfigWriter> {
  const { view, kafka, random, processId } = options;
  const producer = kafka.producer({ name: 'config' });
  const randomId = random(16);
  try {
    const before = view.snapshot();
    const revision = formatRevision(BigInt(before.revision) + 1n);
    const entity: ConfigEntity = { $case: 'writer', value: { processId, randomId } };
    const claim = { key: WRITER_KEY, epoch: before.writer?.epoch ?? 0, revision, actor: processId, entity };
    const ack = await producer.send(outgoing(options, claim));
    if (!(await view.whenOffset(ack.offset, serverLimits.mutationDeadlineMs))) {
      throw new PostriderError('unavailable', 'the claim of the configuration was written but could not be read back');
    }
    if (view.snapshot().writer?.randomId.equals(randomId) !== true) throw superseded(view);
  } catch (error) {
    await producer[Symbol.asyncDispose]();
    throw error;
  }
  return createWriter(options, producer, randomId);
}

interface Row {
  readonly key: string;
  readonly epoch: number;
  readonly revision: string;
  readonly actor: string;
  readonly entity: ConfigEntity | null;
}

function kindOf(row: Row | undefined): string {
  return parseConfigKey(row?.key ?? '')?.kind ?? '';
}

function outgoing({ topic, clock, mayWrite }: ConfigWriterOptions, row: Row): OutgoingRecord {
  const time = new Date(clock.now());
  const record: ConfigRecord = {
    key: row.key,
    revision: row.revision,
    writerEpoch: BigInt(row.epoch),
    schemaVersion: schemaVersionOf(row.entity),
    time,
    actor: row.actor,
    entity: row.entity ?? { $case: 'tombstone', value: { actor: row.actor, time } },
  };
  const bytes = Buffer.from(ConfigRecord.encode(record).finish());
  const place = { topic, partition: 0, key: Buffer.from(row.key), mayWrite };
  return row.entity === null
    ? { ...place, value: null, headers: { [CONFIG_HEADER]: bytes } }
    : { ...place, value: bytes };
}

function createWriter(options: ConfigWriterOptions, producer: Producer, randomId: Buffer): ConfigWriter {
  const { view, clock, log } = options;
  const turns = createTurns(clock);
  const listeners = new Set<(why: string) => void>();
  let revision = BigInt(view.snapshot().revision);
  const isOurs = (): boolean => view.snapshot().writer?.randomId.equals(randomId) === true;
  const epochOf = (): number => {
    const { writer } = view.snapshot();
    if (writer === null || !isOurs()) throw superseded(view);
    return writer.epoch;
  };
  const stopWatching = view.onChange((changes) => {
    if (!changes.some(({ kind }) => kind === 'writer') || isOurs()) return;
    for (const listener of listeners) listener(superseded(view).message);
  });

  /** Plans and writes one change, and waits for it to be read back: as long as it takes, so that the next one sees it. */
  async function write<T>(actor: string, plan: (change: Change) => T): Promise<T> {
    const epoch = epochOf();
    const rows: Row[] = [];
    const add = <E extends ConfigEntity | null>(key: string, build: (next: string) => E): E => {
      const next = formatRevision((revision += 1n));
      const entity = build(next);
      rows.push({ key, epoch, revision: next, actor, entity });
      return entity;
    };
    const answer = plan({
      snapshot: view.snapshot(),
      now: new Date(clock.now()),
      put: add,
      remove: (key) => void add(key, () => null),
    });
    const { last, failed } = await store(rows, options, producer);
    if (last >= 0 && !(await view.whenOffset(last, Infinity))) throw stopped();
    if (failed !== undefined) throw failed.reason;
    // What stands behind a newer claim, ours included, is ignored by every reader.
    if (epochOf() !== epoch) throw superseded(view);
    return answer;
  }

  return {
    change: (actor, plan) => turns.take(() => write(actor, plan), serverLimits.mutationDeadlineMs),
    onSuperseded(listener) {
      listeners.add(listener);
      if (!isOurs()) listener(superseded(view).message);
    },
    restate: (keys) =>
      turns.take(
        () =>
          write(options.processId, (change) => {
            for (const key of keys) restateOne(change, key, log);
          }),
        Infinity,
      ),
    async [Symbol.asyncDispose]() {
      stopWatching();
      turns.close();
      await producer[Symbol.asyncDispose]();
    },
  };
}

interface Stored {
  /** Offset of the last row that is stored; -1 when none is. */
  readonly last: number;
  readonly failed: PromiseRejectedResult | undefined;
}

/** Sends rows, kind by kind; after a failure, what is of a later kind is not sent. */
async function store(rows: readonly Row[], options: ConfigWriterOptions, producer: Producer): Promise<Stored> {
  let last = -1;
  for (let from = 0; from < rows.length;) {
    const kind = kindOf(rows[from]);
    const end = rows.findIndex((row, at) => at > from && kindOf(row) !== kind);
    const together = rows.slice(from, end === -1 ? undefined : end);
    const acks = await Promise.allSettled(together.map((row) => producer.send(outgoing(options, row))));
    for (const ack of acks) if (ack.status === 'fulfilled') last = Math.max(last, ack.value.offset);
    const failed = acks.find((ack) => ack.status === 'rejected');
    if (failed !== undefined) return { last, failed };
    from += together.length;
  }
  return { last, failed: undefined };
}

/** What is unreadable here may be a newer version's truth and stays as it is. */
function restateOne(change: Change, key: string, log: Logger): void {
  const parsed = parseConfigKey(key);
  if (parsed === null || parsed.kind === null || parsed.kind === 'writer') return;
  if (change.snapshot.unreadable(parsed.kind, parsed.id) !== undefined) return;
  const entity = entityOf(change.snapshot, parsed.kind, parsed.id);
  if (entity === null && key === LAYOUT_KEY) return;
  log.warn({ key }, 'writing a configuration record again, because an older writer’s record stands behind it');
  if (entity === null) change.remove(key);
  else change.put(key, () => entity);
}

function entityOf(snapshot: ConfigSnapshot, kind: string, id: string): ConfigEntity | null {
  const found: Record<string, () => ConfigEntity | null> = {
    tenant: () => entityIf('tenant', snapshot.tenant(id)),
    endpoint: () => entityIf('endpoint', snapshot.endpoint(id)),
    subscription: () => entityIf('subscription', snapshot.subscription(id)),
    'api-key': () => entityIf('apiKey', snapshot.apiKey(id)),
    pause: () => entityIf('pause', snapshot.pause(id)),
    drain: () => entityIf('drain', snapshot.drain(id)),
    layout: () => entityIf('layout', snapshot.layout ?? undefined),
  };
  return found[kind]?.() ?? null;
}

function entityIf<C extends ConfigEntity['$case']>(
  $case: C,
  value: Extract<ConfigEntity, { $case: C }>['value'] | undefined,
): ConfigEntity | null {
  return value === undefined ? null : ({ $case, value } as ConfigEntity);
}

function superseded(view: ConfigView): PostriderError {
  const { writer } = view.snapshot();
  const who = writer === null ? 'nobody' : `process ${writer.processId} with epoch ${writer.epoch}`;
  return new PostriderError('unavailable', `this process does not write the configuration any more: ${who} does`);
}

function stopped(): PostriderError {
  return new PostriderError('unavailable', 'the control plane is stopping; whether the change took effect is unknown');
}
