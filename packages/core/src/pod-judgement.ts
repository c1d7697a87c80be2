import { limits } from './limits.ts';

/** What became of a pod's reach: it reaches nobody any more, or somebody again. */
export type ReachMove = 'lost' | 'regained';

/**
 * Whether it is a pod's own doing that requests get no answer: its network, its firewall, its way out. Then endpoints are
 * not blamed: no attempt is used, no breaker moves, nothing is taken in, and one request a second asks whether it is over.
 *
 * | from | to | when |
 * |---|---|---|
 * | reaches | lost | requests got no answer, and the votes say so |
 * | lost | reaches | a request was answered, by whomever |
 * | lost | reaches | for a minute no request has ended: there is nothing to ask with |
 *
 * Who votes is an origin (scheme, host, port) that has answered within the last 15 min: others are known to be dead. It
 * votes by its last request, if that ended within the last 30 s. All origins of a tenant have one vote together, each its
 * part, so that a thousand dead endpoints of one tenant weigh no more than one. It takes 10 origins of 3 tenants, and at
 * least 90 % of the votes. The same is asked of the last 5 s alone: on a pod that is busy what was answered before is soon
 * no witness any more. A smaller pod blames the endpoints, and their breakers spare it most of the attempts.
 *
 * All times are of one clock, which never goes back (ms).
 */
export interface PodJudgement {
  /** Somebody is reached, as far as is known. */
  readonly reaches: boolean;
  /** A request was answered by HTTP, whatever it said. */
  answered(tenant: string, origin: string, now: number): ReachMove | null;
  /** A request got no answer: nobody was reached, or not in time. */
  failed(tenant: string, origin: string, now: number): ReachMove | null;
  /** Whether a request may start: if nobody is reached, one a second. */
  mayStart(now: number): boolean;
  /** One starts. */
  started(now: number): void;
  /** Called every second. */
  tick(now: number): ReachMove | null;
}

interface Voter {
  answeredAt: number;
  /** When its last request ended, and that this got no answer. */
  endedAt: number;
  fails: boolean;
}

/** Nobody has been asked yet. */
export function createPodJudgement(): PodJudgement {
  return new Votes();
}

class Votes implements PodJudgement {
  reaches = true;
  /** By tenant and origin. */
  readonly #voters = new Map<string, Map<string, Voter>>();
  #size = 0;
  /** Voters whose last request got no answer; too many, if anything: who votes no more is forgotten later. */
  #failing = 0;
  #judgedAt = -Infinity;
  #forgotAt = -Infinity;
  #startedAt = -Infinity;
  #endedAt = -Infinity;

  answered(tenant: string, origin: string, now: number): ReachMove | null {
    this.#endedAt = now;
    const voter = this.#find(tenant, origin) ?? this.#add(tenant, origin, now);
    if (voter !== null) {
      if (voter.fails) this.#failing -= 1;
      voter.answeredAt = now;
      voter.endedAt = now;
      voter.fails = false;
    }
    return this.#regain();
  }

  failed(tenant: string, origin: string, now: number): ReachMove | null {
    this.#endedAt = now;
    const voter = this.#find(tenant, origin);
    if (voter === undefined) return null;
    if (!voter.fails) this.#failing += 1;
    voter.endedAt = now;
    voter.fails = true;
    return this.#judge(now);
  }

  mayStart(now: number): boolean {
    return this.reaches || now - this.#startedAt >= limits.podAsksEveryMs;
  }

  started(now: number): void {
    this.#startedAt = now;
  }

  tick(now: number): ReachMove | null {
    if (this.reaches) return this.#judge(now);
    if (now - Math.max(this.#endedAt, this.#startedAt) < limits.podNothingToAskMs) return null;
    return this.#regain();
  }

  #judge(now: number): ReachMove | null {
    if (!this.reaches || !this.#mayBeLost(now)) return null;
    this.#judgedAt = now;
    if (!this.#agree(now, limits.podVotesBusyMs) && !this.#agree(now, limits.podVotesMs)) return null;
    this.reaches = false;
    return 'lost';
  }

  #regain(): ReachMove | null {
    if (this.reaches) return null;
    this.reaches = true;
    return 'regained';
  }

  #find(tenant: string, origin: string): Voter | undefined {
    return this.#voters.get(tenant)?.get(origin);
  }

  #add(tenant: string, origin: string, now: number): Voter | null {
    if (now - this.#forgotAt >= limits.podVotesMs) this.#forget(now);
    if (this.#size >= limits.podVotersMax) return null;
    let ofTenant = this.#voters.get(tenant);
    if (ofTenant === undefined) this.#voters.set(tenant, (ofTenant = new Map()));
    const voter = { answeredAt: now, endedAt: now, fails: false };
    ofTenant.set(origin, voter);
    this.#size += 1;
    return voter;
  }

  /** Who has not answered for long votes no more. */
  #forget(now: number): void {
    this.#forgotAt = now;
    for (const [tenant, voters] of this.#voters) {
      for (const [origin, voter] of voters) {
        if (now - voter.answeredAt <= limits.podVoterKnownMs) continue;
        voters.delete(origin);
        this.#size -= 1;
        if (voter.fails) this.#failing -= 1;
      }
      if (voters.size === 0) this.#voters.delete(tenant);
    }
  }

  /** Asked for each request without an answer: counting the votes costs more, and is not done each time. */
  #mayBeLost(now: number): boolean {
    return (
      this.#failing >= limits.podVotesFraction * limits.podVotingOriginsMin &&
      now - this.#judgedAt >= limits.podJudgesEveryMs
    );
  }

  /** Whether by what ended within this time nobody is reached. */
  #agree(now: number, periodMs: number): boolean {
    const origins = new Set<string>();
    let tenants = 0;
    let votes = 0;
    for (const voters of this.#voters.values()) {
      let voting = 0;
      let failing = 0;
      for (const [origin, { answeredAt, endedAt, fails }] of voters) {
        if (now - endedAt > periodMs || now - answeredAt > limits.podVoterKnownMs) continue;
        if (origins.size < limits.podVotingOriginsMin) origins.add(origin);
        voting += 1;
        if (fails) failing += 1;
      }
      if (voting === 0) continue;
      tenants += 1;
      votes += failing / voting;
    }
    const isQuorum = origins.size >= limits.podVotingOriginsMin && tenants >= limits.podVotingTenantsMin;
    return isQuorum && votes >= limits.podVotesFraction * tenants;
  }
}
