import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { configKey, schemaVersionOf, WRITER_KEY } from '@postrider/config-view';
import { encodedBytes, formatRevision, parseRevision, PostriderError } from '@postrider/core';
import { CONFIG_HEADER, isRefusal, KafkaError, pause } from '@postrider/kafka';
import { restateOne } from './restating.ts';
import { changeEntry, noteEntry } from './audit/entry.ts';
import { newCallId } from './audit/origin.ts';
import { createTurns } from './turns.ts';
import { serverLimits } from './server-limits.ts';
import type { ConfigDraft, ConfigEntity, ConfigKind, ConfigSnapshot, ConfigView } from '@postrider/config-view';
import type { Clock, RandomBytes } from '@postrider/core';
import type { KafkaPort, OutgoingRecord, TopicPartitionOffset, TransactionalWriter } from '@postrider/kafka';
import type { Logger } from '@postrider/runtime';
import type { AuditEntry, AuditHead } from '@postrider/contract/postrider/v1/audit';
import type { WriterClaim } from '@postrider/contract/postrider/v1/config';
import type { AuditChain } from './audit/chain.ts';
import type { AuditBy, AuditNote } from './audit/entry.ts';
import type { AuditOrigin } from './audit/origin.ts';
import type { Outcomes, Turns } from './turns.ts';

export interface ConfigWriterOptions {
  readonly kafka: Pick<KafkaPort, 'admin' | 'transactionalWriter'>;
  readonly view: ConfigView;
  readonly topic: string;
  /** Asked when older writers cannot write any more: the end of the audit, which every change is told to. */
  readonly openAudit: () => Promise<AuditChain>;
  readonly processId: string;
  /** Where the other replicas reach this one, `host:port`. */
  readonly address: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  /** Whether this process may write now. */
  readonly mayWrite: () => boolean;
  /**
   * Asked when everything that stands on the topic has been read, before anything is written: gives the revision that all
   * new ones must lie above.
   * @throws PostriderError `read_only` when what was read must not be built upon
   */
  readonly inspect: () => Promise<string>;
}

/**
 * One change, as its plan makes it: all that it writes is stored, and seen by readers, as one.
 */
export interface Change {
  /** The configuration that the plan decides on: nothing else comes between it and what the plan writes. */
  readonly snapshot: ConfigSnapshot;
  readonly now: Date;
  /** The call that it is made by; absent: Postrider's own. */
  readonly origin: AuditOrigin | undefined;
  /** Whether a deletion of this entity, and nothing newer, is known or comes before this change. */
  knowsDeleted(kind: ConfigKind, id: string): boolean;
  /** Writes an entity and gives it back; `entity` is given the revision that the record will have. */
  put<E extends ConfigEntity>(key: string, entity: (revision: string) => E): E;
  remove(key: string): void;
  /** Tells the audit of something besides what is written; it is stored with that, or alone, before the change is acknowledged. */
  note(note: AuditNote): void;
}

/** The only writer of `config`. */
export interface ConfigWriter extends AsyncDisposable {
  /**
   * Changes the configuration: `plan` throws what speaks against it, and says what to write and to answer. It is run alone.
   * Resolves once this process has read its own records back. What changed stands in the audit by then, as the call's or, without one, as Postrider's own.
   * @throws PostriderError `outcome_unknown` when whether it took effect cannot be told in time, `unavailable` or
   * `not_leader` when it did not, and what `plan` throws
   */
  change<T>(actor: string, plan: (change: Change) => T, origin?: AuditOrigin): Promise<T>;
  /** The newest entry of the audit. */
  readonly auditHead: AuditHead;
  /** Calls `listener` once this writer is of no use any more: a newer one has claimed the topic, or the broker refuses it. */
  onEnded(listener: (why: string) => void): void;
  /** Writes the truth of these keys again: behind it, a record of an older writer would outlive it in a compacted topic. */
  restate(keys: Iterable<string>): Promise<void>;
}

/**
 * Becomes the writer: the broker refuses all before it from now on; everything that they wrote is read; then the topic is
 * claimed. The claim's own offset is the writer epoch; every revision lies above it, and grows by one with every record.
 * @throws PostriderError `unavailable` when what stands there, or the claim, is not read in time, `read_only` as `inspect`
 */
export async function openConfigWriter(options: ConfigWriterOptions): Promise<ConfigWriter> {
  const { view, kafka, random, processId, topic, address } = options;
  // The topic's name is the id: whoever writes another topic is another one.
  const writer = await kafka.transactionalWriter({ name: 'config', transactionalId: topic });
  try {
    const [range] = await kafka.admin.offsets(topic);
    await untilRead(view, (range?.high ?? 0) - 1, 'what stands on the configuration’s topic cannot be read');
    const floor = parseRevision(await options.inspect()) ?? 0n;
    const highest = BigInt(view.snapshot().revision);
    const first = (floor > highest ? floor : highest) + 1n;
    const randomId = random(16);
    const entity = { $case: 'writer' as const, value: { processId, randomId, address } };
    const epoch = view.snapshot().writer?.epoch ?? 0;
    const claim = { key: WRITER_KEY, epoch, revision: formatRevision(first), actor: processId, entity };
    const audit = await options.openAudit();
    const part = audit.next(claimEntries(options, claim.revision, entity.value), options.mayWrite);
    const ends = await writer.write([outgoing(options, claim), ...part.records]);
    audit.wrote(part, ends);
    await untilRead(view, endOf(ends, topic), 'the claim of the configuration cannot be read');
    if (view.snapshot().writer?.randomId.equals(randomId) !== true) throw superseded(view);
    return new Writer(options, writer, audit, randomId);
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    throw error;
  }
}

async function untilRead(view: ConfigView, offset: number, otherwise: string): Promise<void> {
  if (offset < 0 || (await view.whenOffset(offset, serverLimits.mutationDeadlineMs))) return;
  throw new PostriderError('unavailable', `${otherwise} (up to offset ${offset})`);
}

function claimEntries(
  { view, clock, random }: ConfigWriterOptions,
  revision: string,
  after: WriterClaim,
): readonly AuditEntry[] {
  const change = { kind: 'writer' as const, id: 'current', before: view.snapshot().writer ?? undefined, after };
  const entry = changeEntry(change, revision, byOf('control-plane', undefined, clock, random));
  return entry === null ? [] : [entry];
}

function byOf(actor: string, origin: AuditOrigin | undefined, clock: Clock, random: RandomBytes): AuditBy {
  return { actor, origin, time: new Date(clock.now()), callId: origin?.callId ?? newCallId(random) };
}

/** Where the last record for the topic stands; -1: there is none. */
function endOf(ends: readonly TopicPartitionOffset[], topic: string): number {
  return ends.find((end) => end.topic === topic)?.offset ?? -1;
}

interface Row {
  readonly key: string;
  readonly epoch: number;
  readonly revision: string;
  readonly actor: string;
  readonly entity: ConfigEntity | null;
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
  const bytes = encodedBytes(ConfigRecord.encode(record));
  const place = { topic, partition: 0, key: Buffer.from(row.key), mayWrite };
  return row.entity === null
    ? { ...place, value: null, headers: { [CONFIG_HEADER]: bytes } }
    : { ...place, value: bytes };
}

interface Job {
  readonly actor: string;
  readonly origin: AuditOrigin | undefined;
  readonly plan: (change: Change) => unknown;
}

class Writer implements ConfigWriter {
  readonly #options: ConfigWriterOptions;
  readonly #writer: TransactionalWriter;
  readonly #audit: AuditChain;
  readonly #randomId: Buffer;
  readonly #turns: Turns<Job>;
  readonly #listeners = new Set<(why: string) => void>();
  readonly #stopWatching: () => void;
  #revision: bigint;
  #ended: string | null = null;

  constructor(options: ConfigWriterOptions, writer: TransactionalWriter, audit: AuditChain, randomId: Buffer) {
    const { view, clock } = options;
    this.#options = options;
    this.#writer = writer;
    this.#audit = audit;
    this.#randomId = randomId;
    this.#revision = BigInt(view.snapshot().revision);
    this.#turns = createTurns<Job>(clock, (jobs) => this.#writeAll(jobs));
    this.#stopWatching = view.onChange((changes) => {
      if (changes.some(({ kind }) => kind === 'writer')) this.#look();
    });
  }

  get auditHead(): AuditHead {
    return this.#audit.head;
  }

  change<T>(actor: string, plan: (change: Change) => T, origin?: AuditOrigin): Promise<T> {
    return this.#turns.take({ actor, origin, plan }, serverLimits.mutationDeadlineMs) as Promise<T>;
  }

  onEnded(listener: (why: string) => void): void {
    this.#listeners.add(listener);
    if (this.#ended !== null) listener(this.#ended);
    else this.#look();
  }

  async restate(keys: Iterable<string>): Promise<void> {
    const { processId, log } = this.#options;
    const plan = (change: Change): void => {
      for (const key of keys) restateOne(change, key, log);
    };
    await this.#turns.take({ actor: processId, origin: undefined, plan }, Infinity);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopWatching();
    await Promise.race([this.#turns.close(), pause(this.#options.clock, serverLimits.writerStopGraceMs)]);
    await this.#writer[Symbol.asyncDispose]();
  }

  #isOurs(): boolean {
    return this.#options.view.snapshot().writer?.randomId.equals(this.#randomId) === true;
  }

  #look(): void {
    if (!this.#isOurs()) this.#end(superseded(this.#options.view).message);
  }

  #end(why: string): void {
    if (this.#ended !== null) return;
    this.#ended = why;
    for (const listener of this.#listeners) listener(why);
  }

  /** Runs one plan on the draft; what it writes is in the draft only when it ended well. */
  #planOne(job: Job, draft: ConfigDraft, epoch: number): Planned {
    const rows: Row[] = [];
    const notes: AuditNote[] = [];
    const add = <E extends ConfigEntity | null>(key: string, build: (next: string) => E): E => {
      const next = formatRevision((this.#revision += 1n));
      const entity = build(next);
      rows.push({ key, epoch, revision: next, actor: job.actor, entity });
      return entity;
    };
    const now = new Date(this.#options.clock.now());
    try {
      const value = job.plan({
        snapshot: draft.snapshot(),
        now,
        origin: job.origin,
        knowsDeleted: (kind, id) => draft.knowsDeleted(configKey(kind, id)),
        put: add,
        remove: (key) => void add(key, () => null),
        note: (note) => void notes.push(note),
      });
      const { clock, random } = this.#options;
      const by = byOf(job.actor, job.origin, clock, random);
      const told = rows.flatMap(({ key, entity, revision }) => {
        const changed = draft.put(key, entity);
        return (changed === null ? null : changeEntry(changed, revision, by)) ?? [];
      });
      const entries = [...told, ...notes.map((note) => noteEntry(note, by))];
      return { rows, entries, outcome: { status: 'fulfilled', value } };
    } catch (reason) {
      return { rows: [], entries: [], outcome: { status: 'rejected', reason } };
    }
  }

  /** Plans and writes changes as one transaction, and waits for it to be read back: as long as it takes, so that the next ones see it. */
  async #writeAll(jobs: readonly Job[]): Promise<Outcomes> {
    const { view } = this.#options;
    const { writer: claim } = view.snapshot();
    if (this.#ended !== null || claim === null || !this.#isOurs()) throw superseded(view);
    const draft = view.draft();
    const planned = jobs.map((job) => this.#planOne(job, draft, claim.epoch));
    const rows = planned.flatMap((one) => one.rows);
    const { topic, mayWrite } = this.#options;
    const part = this.#audit.next(
      planned.flatMap((one) => one.entries),
      mayWrite,
    );
    const { highest } = view.position();
    const records = [...rows.map((row) => outgoing(this.#options, row)), ...part.records];
    if (records.length > 0) {
      try {
        const ends = await this.#writer.write(records);
        this.#audit.wrote(part, ends);
        const last = endOf(ends, topic);
        // Waiting for an offset that was passed long ago would read nothing back.
        if (rows.length > 0 && last - rows.length + 1 < highest) throw this.#misplaced(last, highest);
        if (!(await view.whenOffset(last, Infinity))) throw unknown('the control plane is stopping');
      } catch (error) {
        // One that is too large must not fail the others: what was refused stored nothing.
        if (jobs.length > 1 && isRefusal(error)) return this.#oneByOne(jobs);
        throw this.#told(error);
      }
      // What stands behind a newer claim, ours included, is ignored by every reader.
      if (!this.#isOurs()) throw unknown(superseded(view).message);
    }
    return planned.map(({ outcome }) => outcome);
  }

  /** The topic has lost its end, or is another one: whoever leads next looks at it before it writes. */
  #misplaced(offset: number, highest: number): PostriderError {
    const why = `the configuration’s topic was read up to offset ${highest}, and is written at ${offset}`;
    this.#end(why);
    return unknown(why);
  }

  async #oneByOne(jobs: readonly Job[]): Promise<Outcomes> {
    const outcomes: PromiseSettledResult<unknown>[] = [];
    for (const job of jobs) {
      const [outcome] = await this.#writeAll([job]).catch((reason: unknown): Outcomes => [
        { status: 'rejected', reason },
      ]);
      if (outcome !== undefined) outcomes.push(outcome);
    }
    return outcomes;
  }

  /** What callers are told of a write that failed. All but a refusal ends the writer: it has an open transaction. */
  #told(error: unknown): unknown {
    if (!(error instanceof KafkaError) || isRefusal(error)) return error;
    this.#end(error.message);
    if (error.code === 'OUTCOME_UNKNOWN') return unknown('the leader was lost while it was written');
    const text = 'this replica does not lead any more; nothing was written: try again';
    return new PostriderError('not_leader', text, { cause: error });
  }
}

interface Planned {
  readonly rows: readonly Row[];
  readonly entries: readonly AuditEntry[];
  readonly outcome: PromiseSettledResult<unknown>;
}

function unknown(why: string): PostriderError {
  const text = `whether the change took effect is unknown (${why}): repeat it with the same request_id, or read it`;
  return new PostriderError('outcome_unknown', text);
}

function superseded(view: ConfigView): PostriderError {
  const { writer } = view.snapshot();
  const who = writer === null ? 'nobody' : `process ${writer.processId} with epoch ${writer.epoch}`;
  return new PostriderError('not_leader', `this process does not write the configuration any more: ${who} does`);
}
