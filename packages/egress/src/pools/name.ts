/** The pool of endpoints that name none. Without a definition: whatever address the machine's routes choose. */
export const DEFAULT_POOL = 'default';

const collection = 'egressPools/';
/** As long as a resource id may be. */
const form = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether a pool may bear this name. */
export function isPoolName(name: string): boolean {
  return form.test(name);
}

/**
 * The pool's name in its resource name `egressPools/{pool}`; none is the default pool. A text of another form is given back
 * as it is: it names no pool that is defined anywhere, so nothing is sent for it.
 */
export function poolOf(resourceName: string): string {
  if (resourceName === '') return DEFAULT_POOL;
  return resourceName.startsWith(collection) ? resourceName.slice(collection.length) : `/${resourceName}`;
}

/** `egressPools/{pool}`. */
export function poolResourceName(pool: string): string {
  return `${collection}${pool}`;
}
