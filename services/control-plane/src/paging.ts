import { invalidArgument } from '@postrider/core';
import { serverLimits } from './server-limits.ts';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { PageList, PageTokens } from './page-token.ts';

export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string;
}

/** Cuts lists into pages in the order of names. */
export interface Paging {
  /**
   * One page.
   * @param names the list's names, in any order; asked once per snapshot
   * @param resource a name's resource; undefined leaves it out
   * @param bytes its size in an answer
   */
  page<T>(list: PagedList<T>, request: PageRequest): Page<T>;
}

export interface PagedList<T> extends PageList {
  readonly snapshot: ConfigSnapshot;
  readonly names: () => Iterable<string>;
  readonly resource: (name: string) => T | undefined;
  readonly bytes: (resource: T) => number;
}

/** Sorting is remembered for as long as the configuration stays the same, so that walking through a long list is cheap. */
export function createPaging(tokens: PageTokens): Paging {
  const sortedBySnapshot = new WeakMap<ConfigSnapshot, Map<string, readonly string[]>>();

  function sorted({
    snapshot,
    method,
    parent,
    names,
  }: Omit<PagedList<never>, 'bytes' | 'resource'>): readonly string[] {
    const lists = sortedBySnapshot.get(snapshot) ?? new Map<string, readonly string[]>();
    sortedBySnapshot.set(snapshot, lists);
    const key = `${method} ${parent}`;
    const found = lists.get(key) ?? [...names()].toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    lists.set(key, found);
    return found;
  }

  return {
    page<T>(list: PagedList<T>, { pageSize, pageToken }: PageRequest) {
      const size = pageSizeOf(pageSize);
      const after = tokens.read(list, pageToken);
      const names = sorted(list);
      const items: T[] = [];
      let bytes = 0;
      let at = after === '' ? 0 : firstAfter(names, after);
      for (; at < names.length && items.length < size; at += 1) {
        const item = list.resource(names[at] ?? '');
        if (item === undefined) continue;
        bytes += list.bytes(item);
        if (items.length > 0 && bytes > serverLimits.pageBytesMax) break;
        items.push(item);
      }
      const last = names[at - 1] ?? '';
      return { items, nextPageToken: at < names.length ? tokens.issue(list, last) : '' };
    },
  };
}

/** Entries of a page, of what was asked for. */
export function pageSizeOf(asked: number): number {
  if (asked < 0) throw invalidArgument([{ field: 'page_size', description: 'must not be negative' }]);
  return asked === 0 ? serverLimits.pageSizeDefault : Math.min(asked, serverLimits.pageSizeMax);
}

/** Index of the first name behind `after`, by halving. */
function firstAfter(names: readonly string[], after: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
