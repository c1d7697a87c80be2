import type { Random } from './random.ts';

/** A directed schedule: too rare for chance, for it needs two stopped processes or a crash within milliseconds. */
export interface Script {
  /** How many tiers puts choose from. */
  readonly tiers: number;
  /** How many seeds it takes to see the mistake that it is about. */
  readonly seeds: number;
  /** What is routed; one delivery without order unless said. */
  readonly deliveries?: readonly string[];
  /** Beginnings of the names of actions: each is taken as soon as it is possible, then chance goes on. */
  readonly steps: string;
}

/** How many of each disturbance may still happen. */
export type Disturbances = Record<
  | 'crash'
  | 'pause'
  | 'lostAnswer'
  | 'deadline'
  | 'rebalance'
  | 'term'
  | 'repeat'
  | 'resend'
  | 'block'
  | 'compact'
  | 'put'
  | 'guard'
  | 'expiry'
  | 'deletion',
  number
>;

/** What one schedule is made of. Every seed has its own, so that rare mixtures come up. */
export interface Settings {
  /** Deliveries still to be routed: `o…` keep order, `u…` do not. */
  readonly toRoute: string[];
  readonly left: Disturbances;
  /** Without a crash, a pause or a drain that takes too long: nothing may be repeated. */
  readonly graceful: boolean;
  /** How many tiers puts choose from. */
  readonly tiersUsed: number;
  /** Weights of landing late, and of being lost, for what nobody waits for any more. */
  readonly lateRate: number;
  readonly lostRate: number;
  /** How fast the group and takeovers are, compared with all else. */
  readonly swift: number;
  readonly intakeRate: number;
  readonly tailRate: number;
  readonly compactRate: number;
  readonly receiverSucceeds: number;
  readonly networkRate: number;
  readonly loadRate: number;
  readonly progressRate: number;
  /** How often the end of a tier is noted. */
  readonly noteRate: number;
  /** How fast processes hear of changed endpoints. */
  readonly configRate: number;
  /** Share of the deliveries without order that go to `deliveries.bulk`. */
  readonly bulkShare: number;
  /** Crashes come just after an own write landed, or a tombstone was written; and how much more often. */
  readonly heatAfterLanding: boolean;
  readonly heatAfterTombstone: boolean;
  readonly heat: number;
  /** Steps of a directed schedule that are still to come. */
  readonly steer: string[];
}

/** Draws the settings of a schedule; a script fixes some of them. */
export function drawSettings(random: Random, script: Script | null): Settings {
  const toRoute = drawDeliveries(random);
  const calm = random.chance(0.2);
  const hostile = !calm && random.chance(0.5);
  if (hostile) toRoute.length = Math.min(toRoute.length, 1 + random.below(3));
  const tiersUsed = script !== null ? script.tiers : hostile ? 1 + random.below(3) : 3;
  const rates = {
    lateRate: random.pick([0.02, 0.08, 0.25]),
    lostRate: random.pick([0.02, 0.1]),
    swift: hostile ? 1 + random.below(5) : 1,
    intakeRate: random.pick([0.1, 0.5, 1.5]),
    tailRate: random.pick([0.1, 0.5, 1.5]),
    compactRate: random.pick([0.5, 3]),
  };
  const left = drawDisturbances(random, hostile);
  if (calm) left.crash = left.pause = left.deadline = 0;
  const graceful = script === null && left.crash + left.pause + left.deadline === 0;
  const more = {
    receiverSucceeds: random.pick([0.3, 0.5, 0.8]),
    networkRate: random.pick([0.15, 0.5, 1]),
    loadRate: random.pick([0.1, 0.4, 1]),
    progressRate: random.pick([0.1, 0.4, 1]),
    noteRate: random.pick([0.1, 0.5, 2]),
    configRate: random.pick([0.1, 0.5, 2]),
    bulkShare: random.pick([0, 0.3, 0.7]),
    heatAfterLanding: random.chance(0.3),
    heatAfterTombstone: random.chance(0.5),
    heat: random.pick([1, 6, 20, 60]),
  };
  if (script !== null) {
    toRoute.splice(0, toRoute.length, ...(script.deliveries ?? ['u0']));
    for (const name of Object.keys(left) as (keyof Disturbances)[])
      left[name] = name === 'repeat' || name === 'deletion' ? 0 : 9;
    more.bulkShare = 0;
  }
  const steer = script?.steps.split(',') ?? [];
  return { toRoute, left, graceful, tiersUsed, ...rates, ...more, steer };
}

function drawDeliveries(random: Random): string[] {
  const ordered = Array.from({ length: 3 + random.below(2) }, (_, index) => `o${index}`);
  const free = Array.from({ length: 2 + random.below(2) }, (_, index) => `u${index}`);
  const mixed: string[] = [];
  while (ordered.length + free.length > 0) {
    const takeFree = free.length > 0 && (random.chance(0.5) || ordered.length === 0);
    mixed.push((takeFree ? free : ordered).shift() as string);
  }
  return mixed;
}

function drawDisturbances(random: Random, hostile: boolean): Disturbances {
  const some = (probability: number, most: number): number =>
    random.chance(hostile ? Math.sqrt(probability) : probability) ? 1 + random.below(most) : 0;
  return {
    crash: some(0.6, hostile ? 6 : 3),
    pause: some(0.6, hostile ? 6 : 3),
    lostAnswer: some(0.5, 5),
    deadline: some(0.4, 3),
    rebalance: some(0.7, 5),
    term: some(0.4, 2),
    repeat: some(0.4, 2),
    resend: some(0.4, 1),
    block: some(0.4, 3),
    compact: some(0.6, 12),
    put: some(0.6, hostile ? 9 : 5),
    guard: some(0.5, 2),
    expiry: some(0.2, 1),
    deletion: some(0.2, 1),
  };
}
