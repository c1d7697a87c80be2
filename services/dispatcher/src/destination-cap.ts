import { limits, rateShare, type Clock, type RateLimit } from '@postrider/core';
import { openAt, startable, type Lane } from './lane.ts';
import type { TokenTurn } from '@postrider/egress';
import { createTurns, type Turns } from './turns.ts';
import type { DestinationOf } from './destination-of.ts';
import type { SharedRate, Taken } from './shared-rate.ts';
import type { StoreCalls } from './store-calls.ts';

/**
 * What all endpoints at one destination together are sent at most, whoever's they are: starts a second, which tenants share
 * by turns. With a store that the processes share it is one rate for all of them; without one, or while it does not answer,
 * each has the part of it that it has of the partitions. A lane waits for its turn like for anything else: no attempt is
 * used, nothing counts against its endpoint.
 */
export interface DestinationCap {
  /** Whether the lane may start one now. If not, it waits for its turn and is told when it has come. */
  admits(lane: Lane): boolean;
  /** The lane has started one. */
  started(lane: Lane): void;
  /**
   * A request that no lane starts, such as the one for an access token, waits for a turn of its tenant like a lane, but
   * before all of them: deliveries that have had their turn wait for it. `done` is called once, with false when none came
   * within the time.
   */
  awaitTurn(turn: TokenTurn, done: (granted: boolean) => void): void;
  /** Who is told that a lane has its turn, or needs none any more. */
  onTurn(listener: (lane: Lane) => void): void;
  /** The part of all partitions that this process has. */
  setShare(fraction: number): void;
  /** Called every second: forgets destinations that nothing is sent to. */
  tick(): void;
  /** Lanes, and requests for tokens, that wait for their turn. */
  readonly waiting: number;
  /** Destinations that something was sent to lately. */
  readonly known: number;
  close(): void;
}

export interface DestinationCapOptions {
  readonly clock: Clock;
  /** Starts a second at one destination. */
  readonly perSecond: number;
  readonly destinationOf: DestinationOf;
  /** Null: the processes do not share anything. */
  readonly shared: { readonly rate: SharedRate; readonly calls: StoreCalls } | null;
}

/** No lane waits, and nothing was sent anywhere. */
export function createDestinationCap(options: DestinationCapOptions): DestinationCap {
  return new OneCap(options);
}

/** Who waits for turns. */
interface Taker {
  readonly tenant: string;
  /** Before what else of its tenant waits. */
  readonly isUrgent: boolean;
  /** How many it can use now. */
  wants(): number;
  /** It has so many. */
  take(count: number): void;
  /** It can use none: it does not wait here any more. */
  dismiss(): void;
}

interface Destination {
  readonly name: string;
  readonly turns: Turns<Taker>;
  /** Those for whom turns are being asked for. */
  asked: readonly Taker[];
  /** This process's own part of the rate, and what part of all partitions it was made for. */
  own: RateLimit | null;
  ownShare: number;
  cancelLook: (() => void) | null;
  /** Nobody is asked before then (ms, monotonic): there was no more. */
  notBefore: number;
}

class OneCap implements DestinationCap {
  readonly #o: DestinationCapOptions;
  readonly #destinations = new Map<string, Destination>();
  #ready: (lane: Lane) => void = () => undefined;
  #share = 1;
  #closed = false;
  /** Ends the waiting of each request that no lane starts. */
  readonly #waits = new Set<() => void>();

  constructor(options: DestinationCapOptions) {
    this.#o = options;
  }

  admits(lane: Lane): boolean {
    const now = this.#o.clock.monotonic();
    if (lane.host === '' || (lane.turns > 0 && now <= lane.turnsUntil)) return true;
    if (lane.awaitsTurn) return false;
    lane.awaitsTurn = true;
    const name = this.#o.destinationOf(lane.host, () => this.#dismiss(lane));
    if (name === null) return false;
    const destination = this.#at(name);
    if (this.#takeFree(destination)) {
      this.#grant(lane, 1);
      return true;
    }
    this.#join(destination, this.#takerOf(lane));
    return false;
  }

  awaitTurn({ host, tenant, withinMs }: TokenTurn, done: (granted: boolean) => void): void {
    let over = false;
    const end = (granted: boolean): void => {
      if (over) return;
      over = true;
      cancel();
      this.#waits.delete(giveUp);
      done(granted);
    };
    const giveUp = (): void => end(false);
    const cancel = this.#o.clock.after(withinMs, giveUp);
    this.#waits.add(giveUp);
    const taker: Taker = {
      tenant,
      isUrgent: true,
      wants: () => (over ? 0 : 1),
      take: () => end(true),
      dismiss: () => undefined,
    };
    const begin = (): void => {
      if (over) return;
      const name = this.#o.destinationOf(host, begin);
      if (name === null) return;
      const destination = this.#at(name);
      if (this.#takeFree(destination)) end(true);
      else this.#join(destination, taker);
    };
    if (this.#closed) giveUp();
    else begin();
  }

  started(lane: Lane): void {
    if (lane.turns > 0) lane.turns -= 1;
  }

  onTurn(listener: (lane: Lane) => void): void {
    this.#ready = listener;
  }

  setShare(fraction: number): void {
    // Who has no partition starts nothing, whatever its part is.
    this.#share = fraction > 0 ? Math.min(1, fraction) : 1;
  }

  tick(): void {
    const now = this.#o.clock.monotonic();
    for (const [name, { turns, asked, cancelLook, own }] of this.#destinations) {
      const rests = turns.size + asked.length === 0 && cancelLook === null;
      if (rests && (own?.restedAt ?? now) <= now) this.#destinations.delete(name);
    }
  }

  get waiting(): number {
    let lanes = 0;
    for (const { turns, asked } of this.#destinations.values()) lanes += turns.size + asked.length;
    return lanes;
  }

  get known(): number {
    return this.#destinations.size;
  }

  close(): void {
    this.#closed = true;
    for (const giveUp of this.#waits) giveUp();
    for (const { cancelLook } of this.#destinations.values()) cancelLook?.();
    this.#destinations.clear();
  }

  #at(name: string): Destination {
    let destination = this.#destinations.get(name);
    if (destination === undefined) {
      destination = { name, turns: createTurns(), asked: [], own: null, ownShare: 0, cancelLook: null, notBefore: 0 };
      this.#destinations.set(name, destination);
    }
    return destination;
  }

  #ownOf(destination: Destination): RateLimit {
    if (destination.own === null || destination.ownShare !== this.#share) {
      destination.own = rateShare(this.#o.perSecond, this.#share);
      destination.ownShare = this.#share;
    }
    return destination.own;
  }

  #takerOf(lane: Lane): Taker {
    return {
      tenant: lane.tenant,
      isUrgent: false,
      wants: () => (openAt(lane) <= this.#o.clock.monotonic() && lane.owner.mayStart() ? startable(lane) : 0),
      take: (count) => {
        this.#grant(lane, count);
        this.#ready(lane);
      },
      dismiss: () => this.#dismiss(lane),
    };
  }

  /** A turn for which nobody waits and nobody else need be asked. */
  #takeFree(destination: Destination): boolean {
    const now = this.#o.clock.monotonic();
    if (this.#o.shared !== null || destination.turns.size > 0 || this.#ownOf(destination).openAt > now) return false;
    this.#ownOf(destination).take(now);
    return true;
  }

  #join(destination: Destination, taker: Taker): void {
    destination.turns.push(taker, taker.isUrgent);
    this.#look(destination, 0);
  }

  #look(destination: Destination, waitMs: number): void {
    if (destination.cancelLook !== null || destination.asked.length > 0 || this.#closed) return;
    const restMs = destination.notBefore - this.#o.clock.monotonic();
    destination.cancelLook = this.#o.clock.after(Math.max(waitMs, restMs), () => {
      destination.cancelLook = null;
      this.#ask(destination);
    });
  }

  /** Asks for turns for all that wait; without anybody to ask, they have this process's own part. */
  #ask(destination: Destination): void {
    const { shared, perSecond } = this.#o;
    if (shared === null) return this.#serveOwn(destination);
    const takers: Taker[] = [];
    for (let taker = this.#next(destination); taker !== undefined; taker = this.#next(destination)) takers.push(taker);
    if (takers.length === 0) return;
    const wanted = new Map<string, number>();
    for (const taker of takers) wanted.set(taker.tenant, (wanted.get(taker.tenant) ?? 0) + taker.wants());
    destination.asked = takers;
    shared.calls.run(
      () => shared.rate.take(destination.name, perSecond, wanted),
      (taken) => {
        if (!this.#closed) this.#answered(destination, taken);
      },
    );
  }

  #answered(destination: Destination, taken: Taken | null): void {
    const { asked, turns } = destination;
    destination.asked = [];
    const given = taken === null ? new Map<Taker, number>() : shareOut(asked, taken.granted);
    const came = drained(turns);
    for (const taker of asked) if (!given.has(taker)) turns.push(taker, taker.isUrgent);
    for (const taker of came) turns.push(taker, taker.isUrgent);
    if (taken === null) return this.#serveOwn(destination);
    destination.notBefore = this.#o.clock.monotonic() + Math.max(taken.waitMs, limits.destinationAskEveryMs);
    for (const [taker, count] of given) taker.take(count);
    if (turns.size > 0) this.#look(destination, 0);
  }

  #serveOwn(destination: Destination): void {
    while (destination.turns.size > 0) {
      const now = this.#o.clock.monotonic();
      const own = this.#ownOf(destination);
      if (own.openAt > now) return this.#look(destination, own.openAt - now);
      const taker = this.#next(destination);
      if (taker === undefined) return;
      own.take(now);
      taker.take(1);
    }
  }

  /** Whose turn it is of those that can use one. */
  #next({ turns }: Destination): Taker | undefined {
    for (let left = turns.size; left > 0; left -= 1) {
      const taker = turns.shift();
      if (taker === undefined || taker.wants() > 0) return taker;
      taker.dismiss();
    }
    return undefined;
  }

  #grant(lane: Lane, count: number): void {
    lane.awaitsTurn = false;
    lane.turns = count;
    lane.turnsUntil = this.#o.clock.monotonic() + limits.destinationTurnKeptMs;
  }

  /** It does not wait here any more: what keeps it is something else, or it asks anew. */
  #dismiss(lane: Lane): void {
    lane.awaitsTurn = false;
    this.#ready(lane);
  }
}

function drained<T extends { readonly tenant: string }>(turns: Turns<T>): T[] {
  const all: T[] = [];
  for (let item = turns.shift(); item !== undefined; item = turns.shift()) all.push(item);
  return all;
}

/** What each tenant was granted goes to those of its that wait, one by one, as far as they can use it. */
function shareOut(takers: readonly Taker[], granted: ReadonlyMap<string, number>): Map<Taker, number> {
  const left = new Map(granted);
  const given = new Map<Taker, number>();
  for (let before = -1; before !== total(given);) {
    before = total(given);
    for (const taker of takers) {
      const has = given.get(taker) ?? 0;
      const more = left.get(taker.tenant) ?? 0;
      if (more <= 0 || has >= taker.wants()) continue;
      left.set(taker.tenant, more - 1);
      given.set(taker, has + 1);
    }
  }
  return given;
}

function total(given: ReadonlyMap<Taker, number>): number {
  return given.values().reduce((sum, count) => sum + count, 0);
}
