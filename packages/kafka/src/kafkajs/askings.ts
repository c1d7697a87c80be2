import { createFetchSession } from './fetch-session.ts';
import type { Clock } from '@postrider/core';
import type { FetchSession } from './fetch-session.ts';

/** Requests to one broker, one at a time, and what they ask for. */
export interface Asking {
  readonly leader: number;
  /** As `Frame.connection`. */
  readonly connection: 1 | 2;
  readonly session: FetchSession;
  /** A request is on its way, or what it brought is being handed over. */
  isUnderWay: boolean;
}

/**
 * Which requests a partition is asked for by. A broker looks at every partition of a request, and again for each request, so
 * a few that always have something would have it look at hundreds that never do. Where many are at rest, those that have
 * something often are asked for by requests of their own, over a connection of their own, if that has it look at less.
 */
export interface Askings extends Iterable<Asking> {
  /**
   * By which requests a partition is to be asked for at its leader. As long as those it belongs to are under way it stays with
   * `current`: otherwise what comes to it meanwhile would wait for them.
   */
  askingFor(key: string, leader: number, current: Asking | null): Asking;
  /** The partition had something, in an answer in which so many had. */
  news(key: string, asking: Asking, together: number): void;
  /** A request has ended: the partitions that may belong elsewhere now. */
  moved(asking: Asking): readonly string[];
}

/** A busy partition that has had nothing for this time rests. */
const REST_AFTER_MS = 5_000;
/** How far apart requests for busy partitions are thought to be at most: those that find nothing wait at the broker. */
const APART_MS_MAX = 20;
/** The weight of the newest in how far apart they are. */
const APART_WEIGHT = 0.05;
/** Fewer that are at rest cost a broker less than a second request does. */
const RESTING_MIN = 16;

/** Nobody is asked yet. */
export function createAskings(clock: Clock): Askings {
  return new AskingsOfBrokers(clock);
}

interface OfBroker {
  readonly resting: Asking;
  readonly busy: Asking;
  /** How far apart requests for what is busy end, and when the last did. */
  apartMs: number;
  endedAt: number;
}

class AskingsOfBrokers implements Askings {
  readonly #clock: Clock;
  readonly #brokers = new Map<number, OfBroker>();
  readonly #newsAt = new Map<string, number>();
  /** Those that have something often; the one whose news are oldest first. */
  readonly #busy = new Set<string>();
  /** Those that come to these requests as soon as the one under way has ended. */
  readonly #coming = new Map<Asking, Set<string>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  *[Symbol.iterator](): Iterator<Asking> {
    for (const { resting, busy } of this.#brokers.values()) yield* [resting, busy];
  }

  askingFor(key: string, leader: number, current: Asking | null): Asking {
    let own = this.#brokers.get(leader);
    if (own === undefined) this.#brokers.set(leader, (own = ofBroker(leader)));
    const wanted = this.#busy.has(key) ? own.busy : own.resting;
    if (wanted === current || current?.leader !== leader || !wanted.isUnderWay) return wanted;
    const coming = this.#coming.get(wanted);
    if (coming === undefined) this.#coming.set(wanted, new Set([key]));
    else coming.add(key);
    return current;
  }

  news(key: string, { leader }: Asking, together: number): void {
    const now = this.#clock.monotonic();
    const gapMs = now - (this.#newsAt.get(key) ?? -Infinity);
    this.#newsAt.set(key, now);
    if (this.#busy.delete(key) || this.#isOften(leader, gapMs, together)) this.#busy.add(key);
  }

  /** Whether to look at all that rest, for this one's part of the news, is more than to look at this one with all that are busy. */
  #isOften(leader: number, gapMs: number, together: number): boolean {
    const own = this.#brokers.get(leader);
    const resting = own?.resting.session.size ?? 0;
    return resting > RESTING_MIN && (gapMs * together) / (own?.apartMs ?? APART_MS_MAX) < resting;
  }

  moved(asking: Asking): readonly string[] {
    const keys = [...(this.#coming.get(asking) ?? [])];
    this.#coming.delete(asking);
    const now = this.#clock.monotonic();
    const own = this.#brokers.get(asking.leader);
    if (own?.busy === asking) {
      own.apartMs += APART_WEIGHT * (Math.min(APART_MS_MAX, now - own.endedAt) - own.apartMs);
      own.endedAt = now;
    }
    const restedSince = now - REST_AFTER_MS;
    for (const key of this.#busy) {
      if ((this.#newsAt.get(key) ?? 0) > restedSince) break;
      this.#busy.delete(key);
      keys.push(key);
    }
    return keys;
  }
}

function ofBroker(leader: number): OfBroker {
  const asking = (connection: Asking['connection']): Asking => ({
    leader,
    connection,
    session: createFetchSession(),
    isUnderWay: false,
  });
  return { resting: asking(1), busy: asking(2), apartMs: APART_MS_MAX, endedAt: -Infinity };
}
