import { createFifo, type Fifo } from './fifo.ts';

/** Who waits, by tenant: tenants take turns, however many of theirs wait, and each one's are taken in their order. */
export interface Turns<T extends { readonly tenant: string }> {
  push(item: T): void;
  /** Whose turn it is; undefined: nobody waits. */
  shift(): T | undefined;
  readonly size: number;
}

/** Nobody waits. */
export function createTurns<T extends { readonly tenant: string }>(): Turns<T> {
  /** Tenants that have a turn coming, each with those of theirs that wait. */
  const tenants = createFifo<Fifo<T>>();
  const byTenant = new Map<string, Fifo<T>>();
  let size = 0;
  return {
    push(item) {
      let own = byTenant.get(item.tenant);
      if (own === undefined) {
        byTenant.set(item.tenant, (own = createFifo()));
        tenants.push(own);
      }
      own.push(item);
      size += 1;
    },
    shift() {
      const own = tenants.shift();
      const item = own?.shift();
      if (own === undefined || item === undefined) return undefined;
      if (own.length > 0) tenants.push(own);
      else byTenant.delete(item.tenant);
      size -= 1;
      return item;
    },
    get size() {
      return size;
    },
  };
}
