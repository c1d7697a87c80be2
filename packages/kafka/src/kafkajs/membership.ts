import { coordinatorAddress } from './coordinator.ts';
import { assignPartitions, previousShare } from '../assign-partitions.ts';
import { assignerProtocol } from './internals.ts';
import { assertNoError, code, ProtocolError } from './protocol-error.ts';
import type { Broker } from './internals.ts';
import type { GroupCandidate } from '../assign-partitions.ts';
import type { KafkaClient } from './client.ts';
import type { Assignment } from '../port.ts';

/**
 * One client's part in a consumer group by the classic protocol: find the coordinator, join, sync, heartbeat, leave. It has a
 * connection of its own: a join waits at the broker for the other members, and a commit may wait for replicas, and neither
 * may stand in front of a heartbeat.
 */
export interface Membership {
  /** The client id of its joins: the one wanted, or with `.<n>` after n member ids were lost. */
  readonly processId: string;
  readonly memberId: string;
  readonly generation: number;
  /** Joins the next generation; the assignment, and when (monotonic) the request was sent that the broker counts as alive. */
  join(owned: readonly number[]): Promise<{ readonly assignment: Assignment; readonly aliveAt: number }>;
  /** The protocol's error code of one heartbeat. Rejects when nobody answers. */
  heartbeat(): Promise<number>;
  /** The same while a join is under way, for the generation before it, over one more connection that ends with the join. */
  heartbeatBeside(): Promise<number>;
  /** How long the group waits for a member that is alive to join again, at least. */
  readonly rebalanceTimeoutMs: number;
  leave(): Promise<void>;
  /** The member id is worth nothing any more: what joins next is another member, and says so by its process id. */
  forget(): void;
  /** The coordinator must be looked up again. */
  lostCoordinator(): void;
}

export interface MembershipOptions {
  readonly client: KafkaClient;
  readonly groupId: string;
  readonly processId: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  monotonic(): number;
}

const PROTOCOL_TYPE = 'consumer';
const ASSIGNER = 'postrider-sticky';
const VERSION = 1;
const REBALANCE_TIMEOUT_MS_MIN = 30_000;
/**
 * Members look for a rebalance with every heartbeat, so the group waits long only for the dead: for one session. Whoever
 * waits with it must be sure of its place for longer than that, and stop before it could lose it.
 */
const REBALANCE_TIMEOUT_SESSIONS = 3;
const ANSWER_MARGIN_MS = 5_000;
const SYNC_TIMEOUT_MS = 15_000;

interface RawJoin {
  readonly errorCode: number;
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

/** A client that is no member yet. */
export function createMembership(options: MembershipOptions): Membership {
  return new GroupMembership(options);
}

class GroupMembership implements Membership {
  processId: string;
  memberId = '';
  generation = -1;
  readonly rebalanceTimeoutMs: number;
  readonly #options: MembershipOptions;
  #coordinator: Broker | null = null;
  /** A broker reads nothing more from a connection whose join it has not answered. */
  #beside: Broker | null = null;
  #joining = false;
  #lost = 0;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.processId = options.processId;
    this.rebalanceTimeoutMs = Math.max(REBALANCE_TIMEOUT_MS_MIN, REBALANCE_TIMEOUT_SESSIONS * options.sessionTimeoutMs);
  }

  async join(owned: readonly number[]): Promise<{ assignment: Assignment; aliveAt: number }> {
    this.#joining = true;
    const joined = await this.#join(owned).finally(() => {
      this.#joining = false;
      this.#hangUpBeside();
    });
    const isLeader = joined.leaderId === joined.memberId;
    const groupAssignment = isLeader ? await this.#assignAll(joined.members) : [];
    const aliveAt = this.#options.monotonic();
    const raw = await this.#ask<{ errorCode: number; memberAssignment: Buffer }>(
      'SyncGroup',
      { generationId: joined.generationId, groupAssignment },
      Math.max(SYNC_TIMEOUT_MS, this.rebalanceTimeoutMs),
    );
    assertNoError('getting an assignment', raw.errorCode);
    const decoded =
      raw.memberAssignment.length === 0 ? null : assignerProtocol.MemberAssignment.decode(raw.memberAssignment);
    const assignment = Object.entries(decoded?.assignment ?? {}).map(([topic, partitions]): [string, number[]] => [
      topic,
      partitions.toSorted((a, b) => a - b),
    ]);
    this.generation = joined.generationId;
    return { assignment: new Map(assignment), aliveAt };
  }

  async heartbeat(): Promise<number> {
    const raw = await this.#ask<{ errorCode: number }>('Heartbeat', { groupGenerationId: this.generation });
    return raw.errorCode;
  }

  async heartbeatBeside(): Promise<number> {
    const { client, groupId } = this.#options;
    const { memberId, generation } = this;
    if (this.#beside === null || !this.#beside.isConnected()) {
      this.#hangUpBeside();
      const { host, port } = await coordinatorAddress(client, groupId);
      const beside = await client.dial(host, port);
      if (!this.#joining) client.drop(beside);
      else this.#beside = beside;
    }
    if (this.#beside === null) return code.illegalGeneration;
    const args = { groupId, memberId, groupGenerationId: generation };
    const raw = await client.call<{ errorCode: number }>(this.#beside, 'Heartbeat', args);
    return raw.errorCode;
  }

  async leave(): Promise<void> {
    if (this.memberId === '') return;
    // As above: over that connection it would not be heard.
    if (this.#joining) this.#coordinator = null;
    await this.#ask('LeaveGroup', {});
  }

  forget(): void {
    this.memberId = '';
    this.generation = -1;
    this.#lost += 1;
    this.processId = `${this.#options.processId}.${this.#lost}`;
    // The client id is the connection's.
    this.lostCoordinator();
  }

  #hangUpBeside(): void {
    if (this.#beside !== null) this.#options.client.drop(this.#beside);
    this.#beside = null;
  }

  lostCoordinator(): void {
    if (this.#coordinator !== null) this.#options.client.drop(this.#coordinator);
    this.#coordinator = null;
  }

  async #join(owned: readonly number[]): Promise<RawJoin> {
    const { sessionTimeoutMs, topics } = this.#options;
    const userData = Buffer.from(JSON.stringify({ owned, since: this.generation }));
    const metadata = assignerProtocol.MemberMetadata.encode({ version: VERSION, topics, userData });
    const args = {
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: this.rebalanceTimeoutMs,
      protocolType: PROTOCOL_TYPE,
      groupProtocols: [{ name: ASSIGNER, metadata }],
    };
    // The first join of a new member is refused with the id that it has to come back with.
    for (let attempt = 0; ; attempt += 1) {
      const raw = await this.#ask<RawJoin>('JoinGroup', args, this.rebalanceTimeoutMs + ANSWER_MARGIN_MS);
      if (raw.errorCode === code.memberIdRequired && attempt === 0) {
        this.memberId = raw.memberId;
        continue;
      }
      assertNoError('joining the group', raw.errorCode);
      this.memberId = raw.memberId;
      return raw;
    }
  }

  async #assignAll(members: RawJoin['members']): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
    const candidates = members.map(({ memberId, memberMetadata }) => candidateOf(memberId, memberMetadata));
    const topics = [...new Set(candidates.flatMap((candidate) => candidate.topics))];
    const metadata = await this.#options.client.refresh(topics);
    const counts = new Map(topics.map((topic) => [topic, metadata.topics.get(topic)?.leaders.size ?? 0]));
    for (const [topic, count] of counts) {
      // Assigning while a topic is not visible would take its partitions from everyone.
      if (count === 0) throw new ProtocolError(`looking up ${topic} for the assignment`, code.unknownTopicOrPartition);
    }
    return [...assignPartitions(candidates, counts)].map(([memberId, own]) => ({
      memberId,
      memberAssignment: assignerProtocol.MemberAssignment.encode({
        version: VERSION,
        assignment: Object.fromEntries(own),
      }),
    }));
  }

  async #ask<T>(
    api: 'JoinGroup' | 'SyncGroup' | 'Heartbeat' | 'LeaveGroup',
    args: object,
    timeoutMs?: number,
  ): Promise<T> {
    const { client, groupId } = this.#options;
    if (this.#coordinator === null || !this.#coordinator.isConnected()) {
      this.lostCoordinator();
      const { host, port } = await coordinatorAddress(client, groupId);
      this.#coordinator = await client.dial(host, port, this.processId);
    }
    return client.call<T>(this.#coordinator, api, { groupId, memberId: this.memberId, ...args }, timeoutMs);
  }
}

function candidateOf(memberId: string, memberMetadata: Buffer): GroupCandidate {
  const { topics, userData } = assignerProtocol.MemberMetadata.decode(memberMetadata);
  return { memberId, topics, ...previousShare(userData) };
}
