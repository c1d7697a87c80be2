import { offerAll } from './actions.ts';
import { checkAtRest, isOver } from './checks.ts';
import { compactOwnership, compactTiers } from './compaction.ts';
import { dropReign } from './network.ts';
import { endOf, INTAKES, TIERS } from './records.ts';
import { isAllLoaded } from './reign.ts';
import { allKeys, createWorld, note, problem, type Action, type ExploreOptions, type World } from './world.ts';

/** What came of one schedule. */
export interface Exploration {
  /** Kinds of problems, each with its first example. */
  readonly problems: ReadonlyMap<string, string>;
  readonly trace: readonly string[];
  /** Attempts that began before their due time; after a crash that may be. */
  readonly early: number;
  /** Records that takeovers did not read, for they stood below load-from. */
  readonly notRead: number;
  /** Nothing crashed, stopped or took too long. */
  readonly graceful: boolean;
}

/** When nothing goes wrong any more, all must be at rest within so many steps. */
const SETTLE_STEPS_MAX = 4_000;
const SCRIPT_STEPS_MAX = 3_000;

/** Plays the schedule of a seed: disturbances; then none, until all is at rest; then all are started anew. */
export function explore(seed: number, options: ExploreOptions): Exploration {
  const world = createWorld(seed, options);
  const { settings, random, ghosts } = world;
  let steps = 100 + random.below(300);
  for (let taken = 0; settings.steer.length > 0 ? taken < SCRIPT_STEPS_MAX : steps-- > 0; taken += 1)
    if (!step(world)) break;
  world.faults = false;
  world.blocked.clear();
  note(
    world,
    () => `==== no more faults${settings.steer.length > 0 ? `; not reached: ${settings.steer.join(',')}` : ''}`,
  );
  if (settle(world, 'after the faults')) {
    startAnew(world);
    settle(world, 'after the new start');
  }
  const { problems, early, notRead } = ghosts;
  return { problems, trace: world.trace ?? [], early, notRead, graceful: settings.graceful };
}

/** Something that can happen happens. False when nothing can. */
function step(world: World): boolean {
  world.hot -= 1;
  world.step += 1;
  offerAll(world);
  if (world.actions.length === 0) return false;
  const action = steered(world) ?? drawn(world);
  note(world, () => action.name);
  action.act();
  return true;
}

/** What a script takes only where it says so: everything that would lead away from its path. */
const onlyAsWritten =
  /CRASH|PAUSE|TERM|resume|restart|rebalance|repeat|lost|drop|late|block|resend|expire|waited|^put|guard|compact|intake|start|serve|load|tail .|^progress|own the|land .* row/;

/** The next wanted step of a script, as soon as it is possible. */
function steered({ settings, faults, actions }: World): Action | undefined {
  const wanted = settings.steer[0];
  if (wanted === undefined || !faults) return undefined;
  const action = actions.find(({ name }) => name.startsWith(wanted));
  if (action !== undefined) {
    settings.steer.shift();
    return action;
  }
  const harmless = actions.filter(({ name }) => !onlyAsWritten.test(name));
  if (harmless.length > 0) actions.splice(0, actions.length, ...harmless);
  return undefined;
}

function drawn({ actions, random }: World): Action {
  let sum = 0;
  for (const { weight } of actions) sum += weight;
  let left = random.unit() * sum;
  for (const action of actions) {
    left -= action.weight;
    if (left <= 0) return action;
  }
  return actions.at(-1) as Action;
}

/** Goes on until all is at rest. */
function settle(world: World, when: string): boolean {
  for (let taken = 0; taken < SETTLE_STEPS_MAX; taken += 1) {
    if (isAtRest(world)) {
      checkAtRest(world, when);
      return true;
    }
    if (!step(world)) break;
  }
  const owner = world.processes.find(({ reign }) => reign?.phase === 'serving');
  const open = [...allKeys(world)].filter((key) => !isOver(world, key));
  const held = open.some((key) => owner?.reign?.works.has(key));
  const kind = owner === undefined ? 'no-owner' : held ? 'stuck' : open.length > 0 ? 'lost' : 'not-quiet';
  problem(world, kind, `${when}: ${open.join(', ')}`);
  return false;
}

function isAtRest(world: World): boolean {
  if (world.settings.toRoute.length > 0 || world.writes.length > 0 || world.requests.length > 0) return false;
  if (world.processes.some(({ alive, paused, news }) => !alive || paused || news)) return false;
  const owners = world.processes.filter(({ reign }) => reign !== null);
  const reign = owners[0]?.reign;
  if (owners.length !== 1 || reign?.phase !== 'serving' || !isAllLoaded(reign)) return false;
  if (reign.works.size > 0 || reign.dirty || reign.ownershipRead !== world.ownershipEnd) return false;
  if (INTAKES.some((intake) => reign.position[intake] !== world.intake[intake].length)) return false;
  return TIERS.every((tier) => endOf(world.tiers[tier]) <= reign.read[tier]);
}

/** Everything has ended: the broker compacts, all processes die and come back. */
function startAnew(world: World): void {
  note(world, () => '==== all are started anew');
  const { ghosts } = world;
  world.epilogue = true;
  ghosts.budget.clear();
  for (const [key, successes] of ghosts.successes) ghosts.budget.set(key, successes - 1);
  compactTiers(world, ({ row }) => row !== null);
  compactOwnership(world);
  ghosts.epoch = -2;
  ghosts.reigns.clear();
  for (const process of world.processes) {
    dropReign(world, process);
    process.session = process.alive = process.named = false;
  }
  world.members.clear();
  world.assigned = null;
}
