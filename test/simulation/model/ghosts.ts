/** What a reign did, as its end will be judged by. */
interface ReignGhost {
  /** What it has begun: a request, a put, an ending. */
  readonly started: Set<string>;
  /** What it has ended, with the number of the progress that will tell it. */
  readonly ended: Map<string, number>;
  /** Number of the last progress that it composed, and of the last that landed. */
  composed: number;
  landed: number;
  released: boolean;
}

/** What only the checks know; no dispatcher ever sees it. */
export interface Ghosts {
  /** Kinds of problems, each with its first example. */
  readonly problems: Map<string, string>;
  /** How often a receiver has taken each delivery. */
  readonly successes: Map<string, number>;
  /** How often each may have ended more than once. */
  readonly budget: Map<string, number>;
  /** When each may start again. */
  readonly due: Map<string, number>;
  readonly reigns: Map<number, ReignGhost>;
  /** The epoch that the log names. */
  epoch: number;
  /** Attempts that began before their due time. */
  early: number;
  /** Records that takeovers did not read, for they stood below load-from. */
  notRead: number;
  /** Versions of the tombstones by which deliveries ended while all tiers were loaded. */
  readonly burials: Set<string>;
  /** Keys that ever had a row. */
  readonly everRow: Set<string>;
  /** Where each record of a tier landed first, by tier and version; later come late copies of it. */
  readonly landed: Map<string, number>;
}

export function createGhosts(): Ghosts {
  return {
    problems: new Map(),
    successes: new Map(),
    budget: new Map(),
    due: new Map(),
    reigns: new Map(),
    epoch: -1,
    early: 0,
    notRead: 0,
    burials: new Set(),
    everRow: new Set(),
    landed: new Map(),
  };
}

export function reignGhost(ghosts: Ghosts, epoch: number): ReignGhost {
  let ghost = ghosts.reigns.get(epoch);
  if (ghost === undefined) {
    ghost = { started: new Set(), ended: new Map(), composed: 0, landed: -1, released: false };
    ghosts.reigns.set(epoch, ghost);
  }
  return ghost;
}

/** Who owns the partition has changed: what the last owner had in hand, or ended and did not tell, may be done once more. */
export function allowRepeats(ghosts: Ghosts, epoch: number): void {
  if (epoch < 0) return;
  const ghost = reignGhost(ghosts, epoch);
  if (ghost.released) return;
  for (const key of ghost.started) {
    const end = ghost.ended.get(key);
    if (end === undefined || end > ghost.landed) ghosts.budget.set(key, (ghosts.budget.get(key) ?? 0) + 1);
  }
}
