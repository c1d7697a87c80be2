import { assignPartitions } from '../src/assign-partitions.ts';
import type { Clock } from '@postrider/core';
import type { Assignment, GroupDescription } from '../src/port.ts';

/** What a member brings when it joins. */
export interface FakeJoin {
  /** Empty for a new member. */
  readonly memberId: string;
  readonly clientId: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly owned: readonly number[];
  readonly ownedSince: number;
  /** The answer, once every member has joined the new generation. */
  joined(answer: { readonly memberId: string; readonly generation: number; readonly assignment: Assignment }): void;
}

interface FakeMembership {
  readonly memberId: string;
  join: FakeJoin;
  /** Has joined the generation that is being prepared. */
  waiting: boolean;
  cancelSession: () => void;
}

export type HeartbeatAnswer = 'ok' | 'rebalance' | 'unknown-member';

/** The coordinator of one consumer group: generations by joining, sessions by heartbeats. */
export interface FakeGroup {
  join(request: FakeJoin): void;
  heartbeat(memberId: string, generation: number): HeartbeatAnswer;
  leave(memberId: string): void;
  describe(): GroupDescription;
  readonly committed: Map<string, { readonly offset: number; readonly metadata: string }>;
}

/** An empty group. `counts` tells the partitions of a topic. */
export function createFakeGroup(clock: Clock, counts: (topic: string) => number): FakeGroup {
  return new Group(clock, counts);
}

class Group implements FakeGroup {
  readonly committed = new Map<string, { readonly offset: number; readonly metadata: string }>();
  readonly #clock: Clock;
  readonly #counts: (topic: string) => number;
  readonly #members = new Map<string, FakeMembership>();
  #generation = 0;
  #preparing = false;
  #joins = 0;

  constructor(clock: Clock, counts: (topic: string) => number) {
    this.#clock = clock;
    this.#counts = counts;
  }

  join(request: FakeJoin): void {
    let member = this.#members.get(request.memberId);
    if (member === undefined) {
      const memberId = `${request.clientId}-${this.#joins++}`;
      member = { memberId, join: request, waiting: false, cancelSession: () => undefined };
      this.#members.set(memberId, member);
    }
    member.join = request;
    member.waiting = true;
    // Who waits for the others is alive by its open request; the session counts again from the answer.
    member.cancelSession();
    this.#prepare();
    this.#completeIfAllJoined();
  }

  heartbeat(memberId: string, generation: number): HeartbeatAnswer {
    const member = this.#members.get(memberId);
    if (member === undefined) return 'unknown-member';
    if (!member.waiting) this.#startSession(member);
    return this.#preparing || generation !== this.#generation ? 'rebalance' : 'ok';
  }

  leave(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    member.cancelSession();
    this.#members.delete(memberId);
    this.#prepare();
    this.#completeIfAllJoined();
  }

  describe(): GroupDescription {
    const members = [...this.#members.values()].map(({ join }) => join.clientId);
    if (members.length === 0) return { state: this.#generation === 0 ? 'dead' : 'empty', members };
    return { state: this.#preparing ? 'rebalancing' : 'stable', members };
  }

  /** Everyone must join again; who does not is out when a session has passed. */
  #prepare(): void {
    this.#preparing = true;
    for (const member of this.#members.values()) if (!member.waiting) this.#startSession(member);
  }

  #startSession(member: FakeMembership): void {
    member.cancelSession();
    member.cancelSession = this.#clock.after(member.join.sessionTimeoutMs, () => this.leave(member.memberId));
  }

  #completeIfAllJoined(): void {
    const members = [...this.#members.values()];
    if (!this.#preparing || members.some(({ waiting }) => !waiting)) return;
    this.#preparing = false;
    if (members.length === 0) return;
    this.#generation += 1;
    const topics = new Set(members.flatMap(({ join }) => join.topics));
    const counts = new Map([...topics].map((topic) => [topic, this.#counts(topic)]));
    const candidates = members.map(({ memberId, join }) => ({ ...join, memberId }));
    const assignments = assignPartitions(candidates, counts);
    for (const member of members) {
      member.waiting = false;
      this.#startSession(member);
      const { memberId } = member;
      member.join.joined({
        memberId,
        generation: this.#generation,
        assignment: assignments.get(memberId) ?? new Map(),
      });
    }
  }
}
