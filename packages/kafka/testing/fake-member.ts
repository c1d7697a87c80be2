import { KafkaError } from '../src/port.ts';
import { HEARTBEAT_INTERVAL_MS_DEFAULT, SESSION_TIMEOUT_MS_DEFAULT, assertCommittable } from '../src/member-limits.ts';
import { retry } from '../src/kafkajs/retry.ts';
import { createFakeFetcher } from './fake-fetcher.ts';
import type { FakeCluster } from './fake-cluster.ts';
import type { FakeFetcher } from './fake-fetcher.ts';
import type { FakeGroup, FakeJoin, HeartbeatAnswer } from './fake-group.ts';
import type { FakeProcess } from './fake-process.ts';
import type { GroupMember, GroupMemberOptions, TopicPartition, TopicPartitionOffset } from '../src/port.ts';

interface Assigned extends TopicPartition {
  readonly fetcher: FakeFetcher;
  resumed: boolean;
  /** Where reading goes on; undefined until a seek, or the committed offset, says so. */
  position: number | undefined;
  /** Counts seeks, pauses and resumes: an answer asked for before the last one is stale. */
  turn: number;
}

type JoinAnswer = Parameters<FakeJoin['joined']>[0];

const REJOIN_MS = 100;

/** The port's group member over the fake cluster; resolves with the first assignment. */
export async function createFakeMember(
  cluster: FakeCluster,
  process: FakeProcess,
  options: GroupMemberOptions,
  signal: AbortSignal,
): Promise<GroupMember> {
  const onTrouble = (error: Error) => options.onTrouble?.(error);
  const look = () => process.ask('metadata', () => options.topics.forEach((topic) => void cluster.topic(topic)));
  await retry(look, { clock: process.clock, limitMs: Infinity, signal, onTrouble });
  const member = new Member(cluster, process, options);
  const close = () => void member[Symbol.asyncDispose]();
  signal.addEventListener('abort', close);
  await member.joined.promise;
  signal.removeEventListener('abort', close);
  return member;
}

class Member implements GroupMember {
  readonly sessionTimeoutMs: number;
  readonly joined = Promise.withResolvers<void>();
  membership: GroupMember['membership'];
  readonly #cluster: FakeCluster;
  readonly #process: FakeProcess;
  readonly #options: GroupMemberOptions;
  readonly #group: FakeGroup;
  readonly #assigned = new Map<string, Assigned>();
  /** When the last heartbeat was sent that was seen; in steady times others have followed it at each interval. */
  #heartbeatSentAt = -Infinity;
  /** All is well: heartbeats are computed, not sent. */
  #steady = false;
  #cancelHeartbeat = (): void => undefined;
  readonly #unwatch: readonly (() => void)[];
  #memberId = '';
  /** Member ids that the group has taken away. */
  #lost = 0;
  #generation = 0;
  #joining = false;
  #closed = false;

  constructor(cluster: FakeCluster, process: FakeProcess, options: GroupMemberOptions) {
    this.#cluster = cluster;
    this.#process = process;
    this.#options = options;
    this.membership = { processId: options.processId, memberId: '', generation: -1 };
    this.sessionTimeoutMs = options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS_DEFAULT;
    this.#group = cluster.group(options.groupId);
    const disturb = (): void => this.#disturb();
    this.#unwatch = [process.watch(disturb), cluster.watch(disturb)];
    this.#join();
    this.#planHeartbeat(this.#intervalMs);
  }

  get lastHeartbeatSentAt(): number {
    if (!this.#steady) return this.#heartbeatSentAt;
    const passedMs = this.#process.clock.monotonic() - this.#heartbeatSentAt;
    return this.#heartbeatSentAt + passedMs - (passedMs % this.#intervalMs);
  }

  get #intervalMs(): number {
    return this.#options.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS_DEFAULT;
  }

  seek({ topic, partition, offset }: TopicPartitionOffset): void {
    const assigned = this.#assigned.get(key(topic, partition));
    if (assigned === undefined) throw new KafkaError('INVALID_ARGUMENT', `${topic}/${partition} is not assigned`);
    assigned.turn += 1;
    assigned.position = offset;
    if (assigned.resumed) assigned.fetcher.start(offset);
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const assigned of this.#known(partitions)) {
      assigned.turn += 1;
      if (!assigned.resumed) continue;
      assigned.resumed = false;
      assigned.fetcher.stop();
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const assigned of this.#known(partitions)) {
      if (assigned.resumed) continue;
      assigned.turn += 1;
      assigned.resumed = true;
      if (assigned.position === undefined) void this.#startAtCommitted(assigned);
      else assigned.fetcher.start(assigned.position);
    }
  }

  reconnect(): void {
    // Its connections never fall silent.
  }

  async commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    if (this.#closed) throw new KafkaError('CLOSED', `the member of ${this.#options.groupId} is closed`);
    assertCommittable(offsets);
    await this.#process.ask('commit', () => {
      if (this.#group.heartbeat(this.#memberId, this.#generation) === 'unknown-member') {
        throw new KafkaError('UNAVAILABLE', `the group ${this.#options.groupId} does not know this member any more`);
      }
      for (const { topic, partition, offset, metadata } of offsets) {
        this.#group.committed.set(key(topic, partition), { offset, metadata: metadata ?? '' });
      }
    });
  }

  committed({ topic, partition }: TopicPartition): Promise<TopicPartitionOffset | null> {
    return this.#process.ask('committed', () => {
      const committed = this.#group.committed.get(key(topic, partition));
      return committed === undefined ? null : { topic, partition, ...committed };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#disturb();
    this.#closed = true;
    this.#cancelHeartbeat();
    for (const end of this.#unwatch) end();
    this.joined.reject(new KafkaError('CLOSED', 'the member was closed before it had joined'));
    this.joined.promise.catch(() => undefined);
    for (const { fetcher } of this.#assigned.values()) fetcher.stop();
    this.#assigned.clear();
    // Without a broker the session has to expire by itself.
    await this.#process.ask('leave', () => this.#group.leaveBy(this.#options.processId)).catch(() => undefined);
  }

  #known(partitions: readonly TopicPartition[]): Assigned[] {
    return partitions.flatMap(({ topic, partition }) => this.#assigned.get(key(topic, partition)) ?? []);
  }

  async #startAtCommitted(assigned: Assigned): Promise<void> {
    const { turn } = assigned;
    const committed = await this.#process
      .ask('committed', () => this.#group.committed.get(key(assigned.topic, assigned.partition)))
      .catch(() => null);
    if (assigned.turn !== turn || this.#closed) return;
    if (committed === null) {
      this.#process.clock.after(REJOIN_MS, () => assigned.turn === turn && void this.#startAtCommitted(assigned));
      return;
    }
    assigned.position = committed?.offset ?? this.#startOf(assigned);
    assigned.fetcher.start(assigned.position);
  }

  #startOf({ topic, partition }: TopicPartition): number {
    const log = this.#cluster.log(topic, partition);
    return this.#options.startFrom === 'earliest' ? log.low : log.high;
  }

  #join(): void {
    if (this.#joining || this.#closed) return;
    this.#disturb();
    this.#joining = true;
    const request = {
      memberId: this.#memberId,
      processId: this.#options.processId,
      clientId: this.membership.processId,
      topics: this.#options.topics,
      sessionTimeoutMs: this.sessionTimeoutMs,
      owned: [...new Set([...this.#assigned.values()].map(({ partition }) => partition))],
      ownedSince: this.#generation,
    };
    void this.#process
      .ask(
        'join',
        () =>
          new Promise<JoinAnswer>((joined) => {
            this.#group.join({ ...request, joined });
          }),
      )
      .then((answer) => this.#sync(answer))
      .catch((error: Error) => this.#rejoinLater(error));
  }

  /** The second half of a join, after any wait for others: what it finds alive counts from when it was sent. */
  async #sync(answer: JoinAnswer): Promise<void> {
    this.#memberId = answer.memberId;
    const sentAt = this.#process.clock.monotonic();
    const alive = await this.#process.ask('heartbeat', () => this.#group.heartbeat(answer.memberId, answer.generation));
    if (this.#closed) return;
    this.#joining = false;
    if (alive === 'ok') return this.#assign(answer, sentAt);
    this.#rejected(alive);
  }

  #rejoinLater(error: Error): void {
    this.#joining = false;
    this.#options.onTrouble?.(error);
    this.#process.clock.after(REJOIN_MS, () => this.#join());
  }

  #rejected(answer: Exclude<HeartbeatAnswer, 'ok'>): void {
    if (answer === 'unknown-member') {
      this.#memberId = '';
      this.#lost += 1;
      this.#heartbeatSentAt = -Infinity;
      this.membership = { processId: `${this.#options.processId}.${this.#lost}`, memberId: '', generation: -1 };
      this.#options.onTrouble?.(new Error(`the group ${this.#options.groupId} took this member for dead`));
    }
    this.#join();
  }

  #assign(answer: JoinAnswer, sentAt: number): void {
    this.#generation = answer.generation;
    this.#heartbeatSentAt = sentAt;
    this.membership = { ...this.membership, memberId: answer.memberId, generation: answer.generation };
    for (const { fetcher } of this.#assigned.values()) fetcher.stop();
    this.#assigned.clear();
    for (const [topic, partitions] of answer.assignment) {
      for (const partition of partitions)
        this.#assigned.set(key(topic, partition), this.#newlyAssigned(topic, partition));
    }
    this.#options.onAssigned(answer.assignment);
    this.joined.resolve();
  }

  #newlyAssigned(topic: string, partition: number): Assigned {
    const assigned: Assigned = {
      topic,
      partition,
      resumed: false,
      position: undefined,
      turn: 0,
      fetcher: createFakeFetcher({
        cluster: this.#cluster,
        process: this.#process,
        topic,
        partition,
        onBatch: (batch) => {
          assigned.position = batch.nextOffset;
          this.#options.onBatch(batch);
        },
        onOutOfRange: (offset) => {
          const { turn } = assigned;
          this.#options.onOffsetOutOfRange?.({ topic, partition, offset });
          if (assigned.turn !== turn || !assigned.resumed) return;
          assigned.position = this.#startOf(assigned);
          assigned.fetcher.start(assigned.position);
        },
      }),
    };
    return assigned;
  }

  #planHeartbeat(delayMs: number): void {
    this.#cancelHeartbeat();
    this.#cancelHeartbeat = this.#process.clock.after(delayMs, () => {
      if (this.#closed) return;
      this.#planHeartbeat(this.#intervalMs);
      void this.#heartbeat();
    });
  }

  async #heartbeat(): Promise<void> {
    const sentAt = this.#process.clock.monotonic();
    const { generation } = this.membership;
    if (generation < 0) return;
    try {
      if (this.#process.mute) throw new KafkaError('UNAVAILABLE', 'the heartbeat got lost');
      const answer = await this.#process.ask('heartbeat', () => this.#group.heartbeat(this.#memberId, generation));
      if (this.#closed || generation !== this.membership.generation) return;
      if (answer === 'ok') {
        this.#heartbeatSentAt = sentAt;
        return this.#calm();
      }
      if (!this.#joining) return this.#rejected(answer);
      // While others are waited for, the answer still says that this one is listed.
      if (answer === 'rebalance') this.#heartbeatSentAt = sentAt;
    } catch (error) {
      if (!this.#joining) this.#options.onTrouble?.(error as Error);
    }
  }

  /** From now on heartbeats are computed, until something happens that they would be told of. */
  #calm(): void {
    if (!this.#cluster.computedHeartbeats || this.#steady || this.#joining || this.#closed || this.#process.mute)
      return;
    if (!this.#process.reaches || !this.#cluster.allUp()) return;
    this.#steady = this.#group.steady(this.#memberId, () => this.#disturb());
    if (this.#steady) this.#cancelHeartbeat();
  }

  /** Something happens: heartbeats are sent and sessions counted, from the last computed one on. */
  #disturb(): void {
    if (!this.#steady) return;
    this.#heartbeatSentAt = this.lastHeartbeatSentAt;
    this.#steady = false;
    const passedMs = this.#process.clock.monotonic() - this.#heartbeatSentAt;
    this.#group.unsteady(this.#memberId, passedMs);
    this.#planHeartbeat(this.#intervalMs - passedMs);
  }
}

function key(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
