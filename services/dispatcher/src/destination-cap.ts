import { limits, rateShare, type Clock, type RateLimit } from '@postrider/core';
import { openAt, startable, type Lane } from './lane.ts';
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
  /** Who is told that a lane has its turn, or needs none any more. */
  onTurn(listener: (lane: Lane) => void): void;
  /** The part of all partitions that this process has. */
  setShare(fraction: number): void;
  /** Called every second: forgets destinations that nothing is sent to. */
  tick(): void;
  /** Lanes that wait for their turn. */
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

interface Destination {
  readonly name: string;
  readonly turns: Turns<Lane>;
  /** Those for whom turns are being asked for. */
  asked: readonly Lane[];
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
    if (this.#o.shared === null && destination.turns.size === 0 && this.#ownOf(destination).openAt <= now) {
      this.#ownOf(destination).take(now);
      this.#grant(lane, 1);
      return true;
    }
    destination.turns.push(lane);
    this.#look(destination, 0);
    return false;
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
    const lanes: Lane[] = [];
    for (let lane = this.#next(destination); lane !== undefined; lane = this.#next(destination)) lanes.push(lane);
    if (lanes.length === 0) return;
    const wanted = new Map<string, number>();
    for (const lane of lanes) wanted.set(lane.tenant, (wanted.get(lane.tenant) ?? 0) + startable(lane));
    destination.asked = lanes;
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
    const given = taken === null ? new Map<Lane, number>() : shareOut(asked, taken.granted);
    const came = drained(turns);
    for (const lane of asked) if (!given.has(lane)) turns.push(lane);
    for (const lane of came) turns.push(lane);
    if (taken === null) return this.#serveOwn(destination);
    destination.notBefore = this.#o.clock.monotonic() + Math.max(taken.waitMs, limits.destinationAskEveryMs);
    for (const [lane, count] of given) this.#give(lane, count);
    if (turns.size > 0) this.#look(destination, 0);
  }

  #serveOwn(destination: Destination): void {
    while (destination.turns.size > 0) {
      const now = this.#o.clock.monotonic();
      const own = this.#ownOf(destination);
      if (own.openAt > now) return this.#look(destination, own.openAt - now);
      const lane = this.#next(destination);
      if (lane === undefined) return;
      own.take(now);
      this.#give(lane, 1);
    }
  }

  /** Whose turn it is of those that can use one. */
  #next({ turns }: Destination): Lane | undefined {
    const now = this.#o.clock.monotonic();
    for (let left = turns.size; left > 0; left -= 1) {
      const lane = turns.shift();
      if (lane === undefined || (startable(lane) > 0 && openAt(lane) <= now && lane.owner.mayStart())) return lane;
      this.#dismiss(lane);
    }
    return undefined;
  }

  #grant(lane: Lane, count: number): void {
    lane.awaitsTurn = false;
    lane.turns = count;
    lane.turnsUntil = this.#o.clock.monotonic() + limits.destinationTurnKeptMs;
  }

  #give(lane: Lane, count: number): void {
    this.#grant(lane, count);
    this.#ready(lane);
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

/** What each tenant was granted goes to its lanes one by one, as far as they can use it. */
function shareOut(lanes: readonly Lane[], granted: ReadonlyMap<string, number>): Map<Lane, number> {
  const left = new Map(granted);
  const given = new Map<Lane, number>();
  for (let before = -1; before !== total(given);) {
    before = total(given);
    for (const lane of lanes) {
      const has = given.get(lane) ?? 0;
      const more = left.get(lane.tenant) ?? 0;
      if (more <= 0 || has >= startable(lane)) continue;
      left.set(lane.tenant, more - 1);
      given.set(lane, has + 1);
    }
  }
  return given;
}

function total(given: ReadonlyMap<Lane, number>): number {
  return given.values().reduce((sum, count) => sum + count, 0);
}
