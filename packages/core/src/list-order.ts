import { invalidArgument } from './errors.ts';

/** What a list is ordered by, and which way. */
export interface ListOrder<F extends string> {
  readonly field: F;
  readonly descending: boolean;
}

/**
 * Reads `create_time`, `create_time desc` or `create_time asc` (AIP-132); empty is the first of the fields. Only what never
 * changes of a resource can be one of them: a list that is read page by page would else miss some, or show them twice.
 * @throws PostriderError `invalid_argument` that names `order_by`
 */
export function parseListOrder<F extends string>(text: string, fields: readonly [F, ...F[]]): ListOrder<F> {
  const [name = '', way = 'asc', ...more] = text.trim().split(/\s+/);
  const field = name === '' ? fields[0] : fields.find((one) => one === name);
  if (field !== undefined && more.length === 0 && (way === 'asc' || way === 'desc')) {
    return { field, descending: way === 'desc' };
  }
  const description = `must be one of ${fields.join(', ')}, and \`desc\` behind it for the other way`;
  throw invalidArgument([{ field: 'order_by', description }]);
}
