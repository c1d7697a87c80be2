import { createFifo, type Fifo } from './fifo.ts';

/**
 * Who waits, by tenant. Tenants take turns, however many of theirs wait, and so do those of each tenant. Whoever took more
 * than a turn is worth lets as many of its turns pass: a deficit round robin in which everything takes constant time.
 */
export interface Turns<T extends { readonly tenant: string }> {
  /** It waits from now on; it must not wait already. What is urgent comes before all else of its tenant, and is never deleted. */
  push(item: T, isUrgent?: boolean): void;
  /**
   * Whose turn it is; undefined: nobody waits. Tenants that `isBehind` holds for come after all others, and only if
   * `mayServeBehind`.
   */
  shift(isBehind?: (tenant: string) => boolean, mayServeBehind?: boolean): T | undefined;
  /** It waits no more. */
  delete(item: T): void;
  /** What it was given last, and it waits for more, was worth so many turns more than one. */
  spent(item: T, turns: number): void;
  /** The tenant may not be behind any more. */
  caughtUp(tenant: string): void;
  readonly size: number;
}

interface Own<T> {
  readonly tenant: string;
  /** Before `items`; null: there was never any. */
  urgent: Fifo<T> | null;
  readonly items: Fifo<T>;
  /** Entries of `items` that do not wait any more. */
  readonly gone: Set<T>;
  /** Turns that it lets pass. */
  owes: number;
  readonly owed: Map<T, number>;
  behind: boolean;
  /** It has an entry among those that are behind, be it behind or not. */
  standsBehind: boolean;
}

const nobody = (): boolean => false;

/** Nobody waits. */
export function createTurns<T extends { readonly tenant: string }>(): Turns<T> {
  return new OneTurns<T>();
}

class OneTurns<T extends { readonly tenant: string }> implements Turns<T> {
  size = 0;
  /** Tenants that have a turn coming. */
  readonly #tenants = createFifo<Own<T>>();
  readonly #behind = createFifo<Own<T>>();
  readonly #byTenant = new Map<string, Own<T>>();

  push(item: T, isUrgent = false): void {
    const { tenant } = item;
    let own = this.#byTenant.get(tenant);
    if (own === undefined) {
      own = {
        tenant,
        urgent: null,
        items: createFifo(),
        gone: new Set(),
        owes: 0,
        owed: new Map(),
        behind: false,
        standsBehind: false,
      };
      this.#byTenant.set(tenant, own);
      this.#tenants.push(own);
    }
    if (isUrgent) (own.urgent ??= createFifo()).push(item);
    else if (!own.gone.delete(item)) own.items.push(item);
    this.size += 1;
  }

  shift(isBehind: (tenant: string) => boolean = nobody, mayServeBehind = true): T | undefined {
    for (let own = this.#tenants.shift(); own !== undefined; own = this.#tenants.shift()) {
      if (own.owes > 0) own.owes -= 1;
      else if (isBehind(own.tenant)) {
        this.#fallBehind(own);
        continue;
      } else {
        const item = this.#next(own);
        if (hasMore(own)) this.#tenants.push(own);
        else this.#byTenant.delete(own.tenant);
        if (item !== undefined) return item;
        continue;
      }
      this.#tenants.push(own);
    }
    return this.#shiftBehind(isBehind, mayServeBehind);
  }

  delete(item: T): void {
    this.#byTenant.get(item.tenant)?.gone.add(item);
    this.size -= 1;
  }

  spent(item: T, turns: number): void {
    const own = this.#byTenant.get(item.tenant) as Own<T>;
    own.owes += turns;
    own.owed.set(item, (own.owed.get(item) ?? 0) + turns);
  }

  caughtUp(tenant: string): void {
    if (this.#behind.length === 0) return;
    const own = this.#byTenant.get(tenant);
    if (own?.behind !== true) return;
    own.behind = false;
    this.#tenants.push(own);
  }

  #fallBehind(own: Own<T>): void {
    own.behind = true;
    if (own.standsBehind) return;
    own.standsBehind = true;
    this.#behind.push(own);
  }

  #shiftBehind(isBehind: (tenant: string) => boolean, mayServe: boolean): T | undefined {
    for (let own = this.#behind.shift(); own !== undefined; own = this.#behind.shift()) {
      own.standsBehind = false;
      if (!own.behind) continue;
      // Others may have gone, and its part with that be larger than it was.
      if (!mayServe && isBehind(own.tenant)) {
        this.#fallBehind(own);
        return undefined;
      }
      if (own.owes > 0) {
        own.owes -= 1;
        this.#fallBehind(own);
        continue;
      }
      const item = this.#next(own);
      if (hasMore(own)) this.#fallBehind(own);
      else this.#byTenant.delete(own.tenant);
      if (item !== undefined) return item;
    }
    return undefined;
  }

  #next({ urgent, items, gone, owed }: Own<T>): T | undefined {
    const first = urgent?.shift();
    if (first !== undefined) {
      this.size -= 1;
      return first;
    }
    for (let item = items.shift(); item !== undefined; item = items.shift()) {
      const owes = owed.size === 0 ? 0 : (owed.get(item) ?? 0);
      if (gone.size > 0 && gone.delete(item)) {
        owed.delete(item);
        continue;
      }
      if (owes > 0) {
        if (owes <= 1) owed.delete(item);
        else owed.set(item, owes - 1);
        items.push(item);
        continue;
      }
      this.size -= 1;
      return item;
    }
    return undefined;
  }
}

function hasMore<T>({ urgent, items }: Own<T>): boolean {
  return items.length > 0 || (urgent !== null && urgent.length > 0);
}
