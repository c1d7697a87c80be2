import { compileListFilter, parseListOrder } from '@postrider/core';
import type { FilterFields, ListOrder } from '@postrider/core';

/** What a caller wants of a list, and in which order. */
export interface ListQuery<T> {
  readonly isWanted: (item: T) => boolean;
  readonly order: ListOrder<'name' | 'create_time'>;
  /** What a page token of it is bound to; empty: everything, in the order of names. */
  readonly query: string;
}

/**
 * Reads what a request says of filter and order.
 * @throws PostriderError `invalid_argument` that names `filter` or `order_by`
 */
export function readListQuery<T>(
  { filter, orderBy }: { readonly filter: string; readonly orderBy: string },
  fields: FilterFields<T>,
): ListQuery<T> {
  const isWanted = compileListFilter(filter, fields);
  const order = parseListOrder(orderBy, ['name', 'create_time']);
  return { isWanted, order, query: filter === '' && orderBy === '' ? '' : JSON.stringify([filter, orderBy]) };
}
