import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { limits } from './limits.ts';
import type { RandomFraction } from './model.ts';
import { createRecentCounts } from './recent-counts.ts';

/** What an attempt tells of its endpoint: it answers, or it does not; null: nothing. */
export type EndpointSign = 'works' | 'fails' | null;

/**
 * What an attempt tells of its endpoint (`status`: 0 without an answer).
 *
 * | outcome | sign |
 * |---|---|
 * | `delivered` | works |
 * | `rejected`, `throttled` with a status below 500, 429 included | works: it answers, and what it asks for is heeded otherwise |
 * | `rejected`, `throttled` with 500 or above | fails |
 * | `unreachable`, `timed-out` | fails |
 * | `gone` | nothing: it is held |
 * | `blocked`, `internal-error`, `cancelled`, anything unknown | nothing: the endpoint was not asked |
 */
export function signOf(outcome: Outcome, status: number): EndpointSign {
  switch (outcome) {
    case Outcome.DELIVERED:
      return 'works';
    case Outcome.REJECTED:
    case Outcome.THROTTLED:
      return status >= 500 ? 'fails' : 'works';
    case Outcome.UNREACHABLE:
    case Outcome.TIMED_OUT:
      return 'fails';
    case Outcome.GONE:
    case Outcome.BLOCKED:
    case Outcome.INTERNAL_ERROR:
    case Outcome.CANCELLED:
    case Outcome.UNSPECIFIED:
    case Outcome.UNRECOGNIZED:
      return null;
  }
}

/** How a breaker moved. */
export type BreakerMove = 'opened' | 'reopened' | 'closed';

/**
 * Keeps an endpoint that fails from being asked for a while, then has one request ask. It is made at an endpoint's first
 * failure, so a healthy endpoint has none.
 *
 * | from | to | when |
 * |---|---|---|
 * | closed | open | the endpoint has failed 10 times in a row; or in a minute, of 20 attempts or more, at least half have failed |
 * | open | half-open | its time is over: 30 s the first time; or something changed that may have mended it |
 * | half-open | closed | a request that started since it opened tells that the endpoint works |
 * | half-open | open | such a request tells that it fails; its time is twice the last one, at most 10 min |
 *
 * In a row are failures with no answer of a working endpoint between them, and none a minute or more after the last. Open,
 * nothing starts; half-open, one request at a time does: a due row and a first attempt in turn. What started before it opened
 * tells nothing new, and what tells nothing (`signOf`) moves nothing: half-open, another request asks then. Closed again, it
 * remembers for 10 min how long it was open, so that an endpoint that comes and goes is asked more and more seldom. A random
 * part on top of each time keeps breakers that opened together from asking together. All times are of one clock, which never
 * goes back.
 *
 * While most attempts fail and it has not opened, it also bounds the endpoint's retries, which would add to its load: in a
 * minute no more start than a fifth of the first attempts that did, or one for every 10 s if that is more. Which of those
 * it is spent on is all the same: an endpoint with one delivery a day is retried by its schedule.
 */
export interface Breaker {
  readonly closed: boolean;
  /** Nothing starts before this. */
  readonly openAt: number;
  /** No retry starts before this. */
  readonly retriesFrom: number;
  /** A first attempt is to ask, if there is one: each other time, for what is due may be what its endpoint cannot take. */
  readonly firstAsks: boolean;
  /** From when on nothing is lost with it. */
  readonly restedAt: number;
  /** A request starts; `retry`: the delivery has been attempted before. */
  started(retry: boolean, now: number): void;
  /** What a request told that started then. Its move; null: none. */
  told(sign: EndpointSign, startedAt: number, now: number): BreakerMove | null;
  /** Something changed that may have mended the endpoint: if open, it is half-open from now on. */
  tryNow(now: number): void;
}

const ATTEMPT = 0;
const FAILURE = 1;
const FIRST = 2;
const RETRY = 3;
const KINDS = 4;
/** Retries that may start in a minute however few first attempts there are. */
const RETRIES_MIN = limits.breakerPeriodMs / limits.retryBudgetEveryMs;

/** A closed breaker: its endpoint has not failed yet. */
export function createBreaker(random: RandomFraction): Breaker {
  return new EndpointBreaker(random, Infinity);
}

/** A half-open breaker, of an endpoint that is known to have failed. */
export function createHalfOpenBreaker(random: RandomFraction, now: number): Breaker {
  return new EndpointBreaker(random, now);
}

class EndpointBreaker implements Breaker {
  closed: boolean;
  openAt: number;
  retriesFrom = -Infinity;
  firstAsks = false;
  readonly #random: RandomFraction;
  readonly #recent = createRecentCounts(KINDS, limits.breakerPeriodMs);
  #inRow = 0;
  #failedAt = -Infinity;
  /** What started by then tells nothing new. */
  #openedAt = -Infinity;
  #closedAt = -Infinity;
  /** How long it was open last, without the random part; 0: it has not been lately. */
  #openMs = 0;

  constructor(random: RandomFraction, halfOpenAt: number) {
    this.#random = random;
    this.closed = halfOpenAt === Infinity;
    this.openAt = this.closed ? -Infinity : halfOpenAt;
  }

  get restedAt(): number {
    if (!this.closed) return this.openAt + limits.breakerKeptMs;
    const remembers = this.#openMs > 0 ? this.#closedAt + limits.breakerKeptMs : -Infinity;
    return Math.max(this.#failedAt + limits.breakerPeriodMs, remembers);
  }

  started(retry: boolean, now: number): void {
    this.#recent.add(retry ? RETRY : FIRST, now);
    this.#judgeRetries(now);
  }

  told(sign: EndpointSign, startedAt: number, now: number): BreakerMove | null {
    if (sign === null) return null;
    if (!this.closed) return startedAt <= this.#openedAt ? null : this.#probed(sign, now);
    this.#recent.add(ATTEMPT, now);
    if (sign === 'works') this.#inRow = 0;
    else this.#failed(now);
    if (this.#inRow === 0 || !this.#mustOpen(now)) {
      this.#judgeRetries(now);
      return null;
    }
    const remembers = now - this.#closedAt < limits.breakerKeptMs;
    this.#open(remembers ? this.#openMs : 0, now);
    return 'opened';
  }

  tryNow(now: number): void {
    if (!this.closed) this.openAt = Math.min(this.openAt, now);
  }

  #failed(now: number): void {
    this.#inRow = now - this.#failedAt < limits.breakerPeriodMs ? this.#inRow + 1 : 1;
    this.#failedAt = now;
    this.#recent.add(FAILURE, now);
  }

  #probed(sign: 'works' | 'fails', now: number): BreakerMove {
    if (sign === 'fails') {
      this.#open(this.#openMs, now);
      this.firstAsks = !this.firstAsks;
      return 'reopened';
    }
    this.closed = true;
    this.firstAsks = false;
    this.openAt = -Infinity;
    this.#closedAt = now;
    return 'closed';
  }

  #open(lastMs: number, now: number): void {
    this.closed = false;
    this.#openedAt = now;
    this.#openMs = Math.min(limits.breakerOpenMaxMs, Math.max(limits.breakerOpenMinMs, 2 * lastMs));
    this.openAt = now + this.#openMs * (1 + limits.breakerJitterFraction * this.#random());
    this.#inRow = 0;
    this.#recent.clear();
    this.retriesFrom = -Infinity;
  }

  #mustOpen(now: number): boolean {
    if (this.#inRow >= limits.breakerFailuresInRow) return true;
    return this.#recent.of(ATTEMPT, now) >= limits.breakerAttemptsMin && this.#mostFail(now);
  }

  #mostFail(now: number): boolean {
    const failures = this.#recent.of(FAILURE, now);
    return failures > 0 && failures >= limits.breakerFailuresFraction * this.#recent.of(ATTEMPT, now);
  }

  #judgeRetries(now: number): void {
    const retries = this.#recent.of(RETRY, now);
    const budget = Math.max(limits.retryBudgetFraction * this.#recent.of(FIRST, now), RETRIES_MIN);
    const exhausted = this.closed && retries >= budget && this.#mostFail(now);
    this.retriesFrom = exhausted ? this.#recent.lessAt(RETRY, now) : -Infinity;
  }
}
