import { createRandom, type Random } from './random.ts';
import { drawSettings, type Script, type Settings } from './settings.ts';
import { createGhosts, type Ghosts } from './ghosts.ts';
import type { Claim, OwnershipRecord, Progress, Result, Tier, TierRecord } from './records.ts';
import type { Reign } from './reign.ts';
import type { Rules } from './rules.ts';

/** A dispatcher: it may crash, stop, wake up, lose its session and come back under a new id. */
export interface Process {
  readonly name: string;
  /** The member's id; it gets a new one whenever it joins. */
  id: number;
  alive: boolean;
  paused: boolean;
  /** Its heartbeats are answered. */
  session: boolean;
  /** The group has news for it. */
  news: boolean;
  /** The group names it for the partition, as far as it has heard. */
  named: boolean;
  leaving: boolean;
  reign: Reign | null;
  /** Ends of the tiers when it heard that it is named. */
  endsWhenNamed: readonly number[];
  /** Revision that its config view has reached. */
  config: number;
}

/** A write between handing over and its acknowledgement. A handed-over write may land late, twice or never. */
export type Write = {
  readonly process: Process;
  readonly processId: number;
  readonly reign: Reign | null;
  /** When it was handed over first. */
  readonly since: number;
  landed: boolean;
  /** Where it landed. */
  offset: number;
  /** What nobody waits for: it was sent again meanwhile. */
  copy: boolean;
  acked: (offset: number) => void;
} & Destination;

export type Destination =
  | { readonly to: 'ownership'; readonly record: Omit<Claim, 'offset'> | Omit<Progress, 'offset'> }
  | { readonly to: Tier; readonly record: Omit<TierRecord, 'offset'> }
  | { readonly to: 'attempts' | 'dead-letters'; readonly record: Result };

/** A request on its way, or its answer. */
export interface Request {
  readonly process: Process;
  readonly reign: Reign;
  readonly key: string;
  answer: 'ok' | 'fail' | null;
}

/** An owner: a process in its reign. */
export interface Keeper {
  readonly world: World;
  readonly process: Process;
  readonly reign: Reign;
}

/** Something that may happen next. */
export interface Action {
  readonly weight: number;
  readonly name: string;
  readonly act: () => void;
}

/** Everything there is: the broker's logs, the network, the group, the processes, the receiver. */
export interface World {
  readonly rules: Rules;
  readonly random: Random;
  readonly settings: Settings;
  readonly ghosts: Ghosts;
  /** By topic of intake: the keys of what was routed. */
  readonly intake: readonly [string[], string[]];
  readonly tiers: [TierRecord[], TierRecord[], TierRecord[]];
  readonly tierEnds: [number, number, number];
  readonly ownership: OwnershipRecord[];
  ownershipEnd: number;
  readonly results: Result[];
  /** By key: the highest attempt that is on record. */
  readonly attemptsOnRecord: Map<string, number>;
  /** Keys that a result has ended. */
  readonly delivered: Set<string>;
  /** Dead or cancelled. */
  readonly dead: Set<string>;
  writes: Write[];
  requests: Request[];
  /** What due times are compared with. */
  clock: number;
  /** Counts steps. */
  step: number;
  /** Revision of the newest config record. The endpoints were created at 1, which every delivery names. */
  revision: number;
  /** Revision at which the endpoint without order was deleted. */
  deletedAt: number | null;
  /** Lanes that may start nothing: paused, disabled, breaker open. */
  readonly blocked: Set<string>;
  /** Deliveries that somebody asked to have again when they had ended. */
  readonly askedAgain: Set<string>;
  readonly processes: readonly Process[];
  /** Ids that the group lists. */
  readonly members: Set<number>;
  /** The member that should own the partition. */
  assigned: number | null;
  lastId: number;
  /** The router has written something twice. */
  routerRepeated: boolean;
  /** While true things go wrong; then all must come to rest. */
  faults: boolean;
  /** Everything had ended, and all were started anew: nothing may be sent. */
  epilogue: boolean;
  /** Steps during which a crash is likelier. */
  hot: number;
  readonly actions: Action[];
  readonly trace: string[] | null;
}

export interface ExploreOptions {
  readonly rules: Rules;
  readonly script?: Script | null;
  /** Keeps what happened. */
  readonly trace?: boolean;
}

export function createWorld(seed: number, { rules, script = null, trace = false }: ExploreOptions): World {
  const random = createRandom(seed);
  const settings = drawSettings(random, script);
  return {
    rules,
    random,
    settings,
    ghosts: createGhosts(),
    intake: [[], []],
    tiers: [[], [], []],
    tierEnds: [0, 0, 0],
    ownership: [],
    ownershipEnd: 0,
    results: [],
    attemptsOnRecord: new Map(),
    delivered: new Set(),
    dead: new Set(),
    writes: [],
    requests: [],
    clock: 0,
    step: 0,
    revision: 1,
    deletedAt: null,
    blocked: new Set(),
    askedAgain: new Set(),
    processes: ['A', 'B', 'C'].map(createProcess),
    members: new Set(),
    assigned: null,
    lastId: 0,
    routerRepeated: false,
    faults: true,
    epilogue: false,
    hot: 0,
    actions: [],
    trace: trace ? [] : null,
  };
}

/** Adds what may happen next, with the weight that chance gives it. */
export function offer(world: World, weight: number, name: string, act: () => void): void {
  if (weight > 0) world.actions.push({ weight, name, act });
}

/** A process and the id of its present membership. */
export function nameOf({ name, id }: Process): string {
  return name + id;
}

/** The lane of a delivery: `o` keeps order, `u` does not, resends have lanes of their own. */
export function laneOf(key: string): string {
  return isResend(key) ? `x${key}` : (key[0] as string);
}

/** What a process knows of the endpoint of a delivery. */
export function endpointOf(world: World, process: Process, key: string): 'unknown' | 'known' | 'deleted' {
  if (process.config < 1) return 'unknown';
  const deleted = key.startsWith('u') && world.deletedAt !== null && process.config >= world.deletedAt;
  return deleted ? 'deleted' : 'known';
}

export function isOrdered(key: string): boolean {
  return key.startsWith('o') && !isResend(key);
}

export function isResend(key: string): boolean {
  return key.includes('#');
}

/** Every delivery that was routed. */
export function allKeys(world: World): Set<string> {
  return new Set(world.intake.flat());
}

export function note(world: World, line: () => string): void {
  world.trace?.push(line());
}

export function problem(world: World, kind: string, detail: string): void {
  if (!world.ghosts.problems.has(kind)) world.ghosts.problems.set(kind, detail);
  note(world, () => `!! ${kind} ${detail}`);
}

function createProcess(name: string): Process {
  return {
    name,
    id: 0,
    alive: true,
    paused: false,
    session: false,
    news: false,
    named: false,
    leaving: false,
    reign: null,
    endsWhenNamed: [0, 0, 0],
    config: 0,
  };
}
