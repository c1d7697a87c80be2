import { assignPartitions } from '../src/assign-partitions.ts';
import type { Clock } from '@postrider/core';
import type { Assignment, GroupDescription } from '../src/port.ts';

/** What a member brings when it joins. */
export interface FakeJoin {
  /** Empty for a new member. */
  readonly memberId: string;
  /** Of the process, and what it is listed as. */
  readonly processId: string;
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
  /** Its heartbeats are taken for granted: what to call when they must be seen again. */
  disturb: (() => void) | null;
}

export type HeartbeatAnswer = 'ok' | 'rebalance' | 'illegal-generation' | 'unknown-member';

/** The coordinator of one consumer group: generations by joining, sessions by heartbeats. */
export interface FakeGroup {
  join(request: FakeJoin): void;
  heartbeat(memberId: string, generation: number): HeartbeatAnswer;
  /**
   * The member heartbeats in time until further notice, so no session has to be counted. `disturb` is called before anything
   * happens that its next heartbeat would be told of. False: it has to heartbeat.
   */
  steady(memberId: string, disturb: () => void): boolean;
  /** No longer: the last heartbeat was sent `sinceMs` ago. */
  unsteady(memberId: string, sinceMs: number): void;
  /** Ends whatever memberships this process has, be its join still unanswered. */
  leaveBy(processId: string): void;
  /** The group takes the member for dead. */
  expel(memberId: string): void;
  /** Whether a member of this process was put out because its session was over, and has not come back. */
  expelled(processId: string): boolean;
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
  readonly #expelled = new Set<string>();

  constructor(clock: Clock, counts: (topic: string) => number) {
    this.#clock = clock;
    this.#counts = counts;
  }

  join(request: FakeJoin): void {
    let member = this.#members.get(request.memberId);
    if (member === undefined) {
      const memberId = `${request.clientId}-${this.#joins++}`;
      member = { memberId, join: request, waiting: false, cancelSession: () => undefined, disturb: null };
      this.#members.set(memberId, member);
    }
    this.#expelled.delete(request.processId);
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
    if (generation !== this.#generation) return 'illegal-generation';
    if (!member.waiting && member.disturb === null) this.#startSession(member);
    return this.#preparing ? 'rebalance' : 'ok';
  }

  steady(memberId: string, disturb: () => void): boolean {
    const member = this.#members.get(memberId);
    if (member === undefined || member.waiting || this.#preparing) return false;
    member.cancelSession();
    member.disturb = disturb;
    return true;
  }

  unsteady(memberId: string, sinceMs: number): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    member.disturb = null;
    this.#startSession(member, sinceMs);
  }

  expelled(processId: string): boolean {
    return this.#expelled.has(processId);
  }

  expel(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    member.disturb?.();
    this.#leave(member);
    // A join that was given up leaves a member behind; the process may long be in the group as another one.
    const { processId } = member.join;
    if (![...this.#members.values()].some(({ join }) => join.processId === processId)) this.#expelled.add(processId);
  }

  leaveBy(processId: string): void {
    for (const member of [...this.#members.values()]) if (member.join.processId === processId) this.#leave(member);
  }

  #leave(member: FakeMembership): void {
    member.cancelSession();
    this.#members.delete(member.memberId);
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
    if (!this.#preparing) for (const member of this.#members.values()) member.disturb?.();
    this.#preparing = true;
    for (const member of this.#members.values()) if (!member.waiting) this.#startSession(member);
  }

  #startSession(member: FakeMembership, sinceMs = 0): void {
    member.cancelSession();
    member.cancelSession = this.#clock.after(Math.max(0, member.join.sessionTimeoutMs - sinceMs), () => {
      this.expel(member.memberId);
    });
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
