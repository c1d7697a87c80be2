import { orAborted } from '@postrider/config-view';

/** What has come in so far and what will, to be looked through. */
export interface Inbox<T> {
  push(item: T): void;
  /**
   * What `pick` makes of the first item that it wants: among those that are there, else of one to come. Rejects, naming
   * `what` is missing, when the signal aborts first.
   */
  find<R>(what: string, pick: (item: T) => R | null): Promise<R>;
}

/** An empty inbox. It keeps everything: it is for a story that ends. */
export function createInbox<T>(signal: AbortSignal): Inbox<T> {
  const items: T[] = [];
  const waiters = new Set<(item: T) => void>();
  return {
    push(item) {
      items.push(item);
      for (const waiter of waiters) waiter(item);
    },
    async find<R>(what: string, pick: (item: T) => R | null): Promise<R> {
      for (const item of items) {
        const found = pick(item);
        if (found !== null) return found;
      }
      const { promise, resolve } = Promise.withResolvers<R>();
      const waiter = (item: T): void => {
        const found = pick(item);
        if (found !== null) resolve(found);
      };
      waiters.add(waiter);
      try {
        return await orAborted(promise, signal);
      } catch (error) {
        throw new Error(`${what} did not arrive: ${(error as Error).message}`, { cause: error });
      } finally {
        waiters.delete(waiter);
      }
    },
  };
}
