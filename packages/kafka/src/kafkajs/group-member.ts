import { limits } from '@postrider/core';
import { KafkaError } from '../port.ts';
import { createClient } from './client.ts';
import { createFetchLoop } from './fetch-loop.ts';
import { commitOffsets, committedOffsets } from './group-offsets.ts';
import { EARLIEST, LATEST, listOffsets, partitionsOf } from './list-offsets.ts';
import { createMembership } from './membership.ts';
import { code, ProtocolError, toKafkaError } from './protocol-error.ts';
import { pause } from '../pause.ts';
import { insist, retry } from './retry.ts';
import {
  assertCommittable,
  HEARTBEAT_INTERVAL_MS_DEFAULT,
  MAX_WAIT_MS_DEFAULT,
  SESSION_TIMEOUT_MS_DEFAULT,
} from '../member-limits.ts';
import type { FetchLoop } from './fetch-loop.ts';
import type { KafkaClient } from './client.ts';
import type { Membership } from './membership.ts';
import type { KafkaOptions } from './options.ts';
import type { Assignment, GroupMember, GroupMemberOptions, TopicPartition, TopicPartitionOffset } from '../port.ts';

interface Assigned extends TopicPartition {
  resumed: boolean;
  /** Where reading goes on; undefined until a seek, or the committed offset, says so. */
  position: number | undefined;
  /** Counts seeks, pauses and resumes: an answer to a question from before the last one is stale. */
  turn: number;
}

const READ_COMMITTED = 1;
const COMMIT_LIMIT_MS = 10_000;
/** As much of a time at the broker as may be counted on. */
const SURE_FRACTION = 0.8;
const LEAVE_LIMIT_MS = 2_000;
const TROUBLE_PAUSE_MS = 100;
const TROUBLE_PAUSE_MS_MAX = 1_000;

/** The port's group member; resolves with the first assignment. Waits for the cluster as long as it takes; an absent topic rejects. */
export async function createGroupMember(
  options: KafkaOptions,
  wanted: GroupMemberOptions,
  signal: AbortSignal,
): Promise<GroupMember> {
  const client = createClient(options, wanted.processId);
  const onTrouble = (error: Error) => wanted.onTrouble?.(error);
  let close = () => client.destroy();
  const onAbort = () => close();
  signal.addEventListener('abort', onAbort);
  try {
    for (const topic of wanted.topics) {
      await retry(() => partitionsOf(client, topic), { clock: options.clock, limitMs: Infinity, signal, onTrouble });
    }
    const member = new Member(options, wanted, client);
    // Nobody else knows the member yet, so nobody else could close it.
    const closed = Promise.withResolvers<void>();
    close = () => void member[Symbol.asyncDispose]().finally(closed.resolve);
    if (signal.aborted) close();
    await member.joined.promise.catch(async (error: unknown) => {
      // It may have to leave a group that it was about to join.
      await closed.promise;
      throw error;
    });
    return member;
  } catch (error) {
    client.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

class Member implements GroupMember {
  readonly sessionTimeoutMs: number;
  readonly joined = Promise.withResolvers<void>();
  lastHeartbeatSentAt = -Infinity;
  membership: GroupMember['membership'];
  readonly #options: KafkaOptions;
  readonly #wanted: GroupMemberOptions;
  readonly #client: KafkaClient;
  readonly #membership: Membership;
  readonly #loop: FetchLoop;
  readonly #assigned = new Map<string, Assigned>();
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #locating: Assigned[] = [];
  #troubles = 0;
  /** When the last request was sent by whose answer no rebalance had begun. */
  #settledAt = -Infinity;

  constructor(options: KafkaOptions, wanted: GroupMemberOptions, client: KafkaClient) {
    this.#options = options;
    this.#wanted = wanted;
    this.#client = client;
    this.sessionTimeoutMs = wanted.sessionTimeoutMs ?? SESSION_TIMEOUT_MS_DEFAULT;
    this.joined.promise.catch(() => undefined);
    this.membership = { processId: wanted.processId, memberId: '', generation: -1 };
    this.#membership = createMembership({
      client,
      ...{ groupId: wanted.groupId, processId: wanted.processId },
      topics: wanted.topics,
      sessionTimeoutMs: this.sessionTimeoutMs,
      monotonic: () => options.clock.monotonic(),
    });
    this.#loop = createFetchLoop({
      client,
      clock: options.clock,
      maxWaitMs: wanted.maxWaitMs ?? MAX_WAIT_MS_DEFAULT,
      maxBytesPerPartition: wanted.maxBytesPerPartition ?? limits.fetchPartitionBytesMax,
      onBatch: (batch) => {
        const assigned = this.#assigned.get(`${batch.topic}/${batch.partition}`);
        if (assigned !== undefined) assigned.position = batch.nextOffset;
        wanted.onBatch(batch);
      },
      onOutOfRange: (topic, partition, offset) => this.#outOfRange(topic, partition, offset),
      onTrouble: (error) => wanted.onTrouble?.(error),
    });
    this.#ended = this.#run();
  }

  seek({ topic, partition, offset }: TopicPartitionOffset): void {
    const assigned = this.#assigned.get(`${topic}/${partition}`);
    if (assigned === undefined) throw new KafkaError('INVALID_ARGUMENT', `${topic}/${partition} is not assigned`);
    assigned.turn += 1;
    assigned.position = offset;
    if (assigned.resumed) this.#loop.start(topic, partition, offset);
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const assigned = this.#assigned.get(`${topic}/${partition}`);
      if (assigned === undefined || !assigned.resumed) continue;
      assigned.turn += 1;
      assigned.resumed = false;
      this.#loop.stop(topic, partition);
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const assigned = this.#assigned.get(`${topic}/${partition}`);
      if (assigned === undefined || assigned.resumed) continue;
      assigned.turn += 1;
      assigned.resumed = true;
      if (assigned.position === undefined) this.#locate(assigned);
      else this.#loop.start(topic, partition, assigned.position);
    }
  }

  reconnect(): void {
    this.#client.reconnect();
  }

  async commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    this.#assertOpen();
    assertCommittable(offsets);
    if (offsets.length === 0) return;
    const { memberId, generation } = this.#membership;
    // Without a generation the broker takes a commit to an empty group from anyone, however old.
    if (generation < 0) throw new KafkaError('UNAVAILABLE', 'this member is not in the group at the moment');
    const member = { groupId: this.#wanted.groupId, memberId, generation };
    await this.#ask(async () => {
      try {
        await commitOffsets(this.#client, member, offsets);
      } catch (error) {
        // Only the next generation could commit; this one's offsets must not be written by it.
        if (isMembershipLost(error)) throw new KafkaError('UNAVAILABLE', 'the group has moved on', { cause: error });
        throw error;
      }
    });
  }

  async committed(partition: TopicPartition): Promise<TopicPartitionOffset | null> {
    this.#assertOpen();
    const found = await this.#ask(() => committedOffsets(this.#client, this.#wanted.groupId, [partition]));
    return found[0] ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return this.#ended;
    this.#closing.abort();
    this.joined.reject(new KafkaError('CLOSED', 'the member was closed before it had joined'));
    this.#loop.close();
    this.#assigned.clear();
    // Without an answer the session has to expire by itself.
    const { clock } = this.#options;
    const left = new AbortController();
    const leaving = this.#membership.leave().catch(() => undefined);
    await Promise.race([leaving, pause(clock, LEAVE_LIMIT_MS, left.signal)]);
    left.abort();
    this.#client.destroy();
    await this.#ended;
  }

  #ask<T>(what: () => Promise<T>): Promise<T> {
    return retry(what, { clock: this.#options.clock, limitMs: COMMIT_LIMIT_MS, signal: this.#closing.signal });
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new KafkaError('CLOSED', `the member of ${this.#wanted.groupId} is closed`);
  }

  /** Joins and stays alive until closed; whatever breaks is begun anew. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#join();
        this.#troubles = 0;
        await this.#stayAlive();
      } catch (error) {
        if (signal.aborted) return;
        await this.#mend(error);
      }
    }
  }

  async #join(): Promise<void> {
    const owned = [...new Set([...this.#assigned.values()].map(({ partition }) => partition))];
    const joined = new AbortController();
    void this.#stayAliveWhileJoining(AbortSignal.any([joined.signal, this.#closing.signal]));
    const { assignment, aliveAt } = await this.#membership.join(owned).finally(() => joined.abort());
    if (this.#closing.signal.aborted) return;
    this.#settledAt = this.lastHeartbeatSentAt = aliveAt;
    this.#tellMembership();
    this.#assign(assignment);
  }

  /**
   * Heartbeats while the group waits for others, which takes as long as the session of a dead one. The answer that members
   * are joining says that this one is still listed; it can lose its place only when the group has waited for it in vain.
   */
  async #stayAliveWhileJoining(joined: AbortSignal): Promise<void> {
    if (this.#membership.generation < 0) return;
    const { clock } = this.#options;
    const surelyMs = (this.#membership.rebalanceTimeoutMs - this.sessionTimeoutMs) * SURE_FRACTION;
    for (;;) {
      await pause(clock, this.#wanted.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS_DEFAULT, joined);
      const sentAt = clock.monotonic();
      // The rebalance began after that.
      if (joined.aborted || sentAt >= this.#settledAt + surelyMs) return;
      const errorCode = await this.#membership.heartbeatBeside().catch(() => null);
      if (joined.aborted) return;
      if (errorCode === code.none) this.#settledAt = sentAt;
      if (errorCode === code.none || errorCode === code.rebalanceInProgress) this.lastHeartbeatSentAt = sentAt;
    }
  }

  /** All in one turn: nothing of the old assignment is delivered after, nothing of the new one before the owner knows. */
  #assign(assignment: Assignment): void {
    for (const { topic, partition } of this.#assigned.values()) this.#loop.stop(topic, partition);
    this.#assigned.clear();
    this.#locating = [];
    for (const [topic, partitions] of assignment) {
      for (const partition of partitions) {
        this.#assigned.set(`${topic}/${partition}`, { topic, partition, resumed: false, position: undefined, turn: 0 });
      }
    }
    this.#wanted.onAssigned(assignment);
    this.joined.resolve();
  }

  /** Heartbeats until the group wants everyone to join again. */
  async #stayAlive(): Promise<void> {
    const { clock } = this.#options;
    const intervalMs = this.#wanted.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS_DEFAULT;
    for (;;) {
      await pause(clock, intervalMs, this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      const sentAt = clock.monotonic();
      try {
        const errorCode = await this.#membership.heartbeat();
        if (errorCode === code.rebalanceInProgress) return;
        if (errorCode !== code.none) throw new ProtocolError('a heartbeat', errorCode);
        this.#settledAt = this.lastHeartbeatSentAt = sentAt;
        this.#troubles = 0;
      } catch (error) {
        if (isMembershipLost(error) || this.#closing.signal.aborted) throw error;
        // The coordinator moved or does not answer: the membership may well have survived.
        await this.#mend(error);
      }
    }
  }

  async #mend(error: unknown): Promise<void> {
    if (error instanceof ProtocolError && error.errorCode === code.unknownMemberId) this.#forget();
    this.#wanted.onTrouble?.(toKafkaError(error));
    if (!isMembershipLost(error)) this.#membership.lostCoordinator();
    const ms = Math.min(TROUBLE_PAUSE_MS_MAX, TROUBLE_PAUSE_MS * 2 ** Math.min(this.#troubles, 5));
    this.#troubles += 1;
    await pause(this.#options.clock, ms, this.#closing.signal);
  }

  #forget(): void {
    this.#membership.forget();
    this.lastHeartbeatSentAt = -Infinity;
    this.#tellMembership();
  }

  #tellMembership(): void {
    const { processId, memberId, generation } = this.#membership;
    this.membership = { processId, memberId, generation };
  }

  #outOfRange(topic: string, partition: number, offset: number): void {
    const assigned = this.#assigned.get(`${topic}/${partition}`);
    if (assigned === undefined) return;
    const { turn } = assigned;
    this.#wanted.onOffsetOutOfRange?.({ topic, partition, offset });
    if (assigned.turn === turn && assigned.resumed) void this.#startAtDeclared(assigned);
  }

  /** Partitions resumed in one turn are looked up together. */
  #locate(assigned: Assigned): void {
    this.#locating.push(assigned);
    if (this.#locating.length === 1) queueMicrotask(() => void this.#locateAll());
  }

  async #locateAll(): Promise<void> {
    const wanted = this.#locating.splice(0).map((assigned) => ({ assigned, turn: assigned.turn }));
    if (wanted.length === 0) return;
    const partitions = wanted.map(({ assigned }) => assigned);
    const found = await this.#insist(() => committedOffsets(this.#client, this.#wanted.groupId, partitions));
    if (found === undefined) return;
    const offsets = new Map(found.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
    for (const { assigned, turn } of wanted) {
      if (assigned.turn !== turn || !this.#isCurrent(assigned)) continue;
      const { topic, partition } = assigned;
      const offset = offsets.get(`${topic}/${partition}`);
      if (offset === undefined) void this.#startAtDeclared(assigned);
      else this.#startAt(assigned, offset);
    }
  }

  async #startAtDeclared(assigned: Assigned): Promise<void> {
    const { topic, partition, turn } = assigned;
    const end = this.#wanted.startFrom === 'earliest' ? EARLIEST : LATEST;
    const offset = await this.#insist(async () => {
      await this.#client.refresh([topic]);
      return (await listOffsets(this.#client, topic, [partition], end, READ_COMMITTED)).get(partition);
    });
    if (offset !== undefined && assigned.turn === turn && this.#isCurrent(assigned)) this.#startAt(assigned, offset);
  }

  #startAt(assigned: Assigned, offset: number): void {
    assigned.position = offset;
    this.#loop.start(assigned.topic, assigned.partition, offset);
  }

  #isCurrent(assigned: Assigned): boolean {
    return this.#assigned.get(`${assigned.topic}/${assigned.partition}`) === assigned;
  }

  /** Asks until there is an answer or the member is closed. */
  #insist<T>(what: () => Promise<T>): Promise<T | undefined> {
    const onTrouble = (error: Error) => this.#wanted.onTrouble?.(error);
    return insist(what, { clock: this.#options.clock, signal: this.#closing.signal, onTrouble });
  }
}

function isMembershipLost(error: unknown): boolean {
  if (!(error instanceof ProtocolError)) return false;
  const lost: readonly number[] = [code.illegalGeneration, code.unknownMemberId, code.rebalanceInProgress];
  return lost.includes(error.errorCode);
}
