import { invalidArgument } from '@postrider/core';
import { serverLimits } from './server-limits.ts';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { ListOrder } from '@postrider/core';
import type { PageList, PageTokens } from './page-token.ts';

export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string;
}

/** Cuts lists into pages in the order of names, or in another one that never changes of what is there. */
export interface Paging {
  /**
   * One page. So many resources are looked at for it at most: where few are wanted it may be short, and yet not the last.
   * @param names the list's names, in any order; asked once per snapshot
   * @param resource a name's resource; undefined leaves it out
   * @param bytes its size in an answer
   * @param order absent: by names
   * @param createTimes names with their times of creation, for an order by these
   * @throws PostriderError `invalid_argument` for a token of another list, or when too many would have to be ordered
   */
  page<T>(list: PagedList<T>, request: PageRequest): Page<T>;
}

export interface PagedList<T> extends PageList {
  readonly snapshot: ConfigSnapshot;
  readonly names: () => Iterable<string>;
  readonly resource: (name: string) => T | undefined;
  readonly bytes: (resource: T) => number;
  readonly order?: ListOrder<'name' | 'create_time'>;
  readonly createTimes?: () => Iterable<readonly [name: string, time: Date | undefined]>;
}

type Listing = Omit<PagedList<never>, 'bytes' | 'resource'>;

/** Digits of a time in a key, so that keys are in the order of times, and then of names. */
const TIME_DIGITS = 15;

/**
 * Sorting is remembered for as long as the configuration stays the same, so that walking through a long list is cheap: of the
 * lists that were asked for last.
 */
export function createPaging(tokens: PageTokens): Paging {
  const sortedBySnapshot = new WeakMap<ConfigSnapshot, Map<string, readonly string[]>>();

  function sorted(list: Listing): readonly string[] {
    const { snapshot, method, parent, order } = list;
    const lists = sortedBySnapshot.get(snapshot) ?? new Map<string, readonly string[]>();
    sortedBySnapshot.set(snapshot, lists);
    const key = `${method} ${order?.field ?? 'name'} ${parent}`;
    const found = lists.get(key) ?? keysOf(list).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    // Callers may ask for as many lists as they like, of types with this beginning or that.
    lists.delete(key);
    lists.set(key, found);
    const [oldest = ''] = lists.keys();
    if (lists.size > serverLimits.listsSortedMax) lists.delete(oldest);
    return found;
  }

  return {
    page<T>(list: PagedList<T>, { pageSize, pageToken }: PageRequest) {
      const size = pageSizeOf(pageSize);
      const after = tokens.read(list, pageToken);
      const keys = sorted(list);
      const { field = 'name', descending = false } = list.order ?? {};
      const items: T[] = [];
      let bytes = 0;
      let last = after;
      let lookedAt = 0;
      let at = firstOf(keys, after, descending);
      for (; at >= 0 && at < keys.length && items.length < size; at += descending ? -1 : 1) {
        if (lookedAt === serverLimits.pageLookedAtMax) break;
        lookedAt += 1;
        const key = keys[at] ?? '';
        const item = list.resource(field === 'name' ? key : key.slice(TIME_DIGITS));
        if (item !== undefined) {
          bytes += list.bytes(item);
          if (items.length > 0 && bytes > serverLimits.pageBytesMax) break;
          items.push(item);
        }
        last = key;
      }
      return { items, nextPageToken: at >= 0 && at < keys.length ? tokens.issue(list, last) : '' };
    },
  };
}

/** Entries of a page, of what was asked for. */
export function pageSizeOf(asked: number): number {
  if (asked < 0) throw invalidArgument([{ field: 'page_size', description: 'must not be negative' }]);
  return asked === 0 ? serverLimits.pageSizeDefault : Math.min(asked, serverLimits.pageSizeMax);
}

/** Texts whose order is that of the list: names, or times with names behind them. */
function keysOf({ names, order, createTimes }: Listing): string[] {
  if (order?.field !== 'create_time' || createTimes === undefined) return [...names()];
  const keys: string[] = [];
  for (const [name, time] of createTimes()) {
    if (keys.length === serverLimits.listOrderedMax) {
      const description = `create_time orders at most ${serverLimits.listOrderedMax} resources: name a parent with fewer`;
      throw invalidArgument([{ field: 'order_by', description }]);
    }
    keys.push(`${String(time?.getTime() ?? 0).padStart(TIME_DIGITS, '0')}${name}`);
  }
  return keys;
}

/** Index of the first key behind `after`, in this direction, by halving; the empty text is before all. */
function firstOf(keys: readonly string[], after: string, descending: boolean): number {
  if (after === '') return descending ? keys.length - 1 : 0;
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle] ?? '';
    if (descending ? key < after : key <= after) low = middle + 1;
    else high = middle;
  }
  return descending ? low - 1 : low;
}
