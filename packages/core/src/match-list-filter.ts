import { invalidArgument } from './errors.ts';
import { parseListFilter } from './list-filter.ts';
import type { FilterOperator, FilterTerm } from './list-filter.ts';

/** A field that lists can be filtered by: what it is decides how it can be compared. */
export type FilterField<T> =
  | { readonly kind: 'text'; readonly of: (item: T) => string }
  | { readonly kind: 'texts'; readonly of: (item: T) => readonly string[] }
  | { readonly kind: 'map'; readonly of: (item: T) => Readonly<Record<string, string>> }
  | { readonly kind: 'time'; readonly of: (item: T) => Date | undefined }
  | { readonly kind: 'flag'; readonly of: (item: T) => boolean }
  | {
      readonly kind: 'enum';
      readonly of: (item: T) => string;
      /** Its values as the contract names them, and what all of them begin with: it need not be written. */
      readonly values: readonly string[];
      readonly prefix: string;
    };

/** The fields by the names that are written. */
export type FilterFields<T> = Readonly<Record<string, FilterField<T>>>;

type Test<T> = (item: T) => boolean;

const ordered: readonly FilterOperator[] = ['=', '!=', '<', '<=', '>', '>='];
const operatorsOf: Readonly<Record<FilterField<never>['kind'], readonly FilterOperator[]>> = {
  text: ['=', '!=', ':'],
  texts: [':'],
  map: [':'],
  time: [...ordered, ':'],
  flag: ['=', '!='],
  enum: ['=', '!='],
};
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/i;

/**
 * What a filter lets through. A label that is absent equals nothing, so `!=` is true of it; a time that is absent is
 * neither before nor behind any other.
 * @throws PostriderError `invalid_argument` that names `filter` and the place in it
 */
export function compileListFilter<T>(text: string, fields: FilterFields<T>): Test<T> {
  const parsed = parseListFilter(text);
  if ('problem' in parsed) throw refused(parsed.problem, parsed.at);
  const tests = parsed.map((term) => testOf(term, fields));
  return (item) => tests.every((test) => test(item));
}

function refused(problem: string, at: number): Error {
  return invalidArgument([{ field: 'filter', description: `at character ${at + 1}: ${problem}` }]);
}

function testOf<T>(term: FilterTerm, fields: FilterFields<T>): Test<T> {
  const field = Object.hasOwn(fields, term.field) ? fields[term.field] : undefined;
  if (field === undefined)
    throw refused(`there is no such field; there are ${Object.keys(fields).join(', ')}`, term.at);
  const isLabel = field.kind === 'map' && term.key !== null;
  if (term.key !== null && !isLabel) throw refused(`${term.field} has no keys`, term.at);
  const allowed = operatorsOf[isLabel ? 'text' : field.kind];
  if (!allowed.includes(term.operator))
    throw refused(`${term.field} is compared by ${allowed.join(' ')}`, term.operatorAt);
  return isLabel ? labelTest(term, field.of, term.key ?? '') : fieldTest(term, field);
}

function labelTest<T>(
  { operator, value, isAny }: FilterTerm,
  of: (item: T) => Readonly<Record<string, string>>,
  key: string,
): Test<T> {
  const label = (item: T): string | undefined => {
    const labels = of(item);
    return Object.hasOwn(labels, key) ? labels[key] : undefined;
  };
  if (operator === ':' && isAny) return (item) => label(item) !== undefined;
  if (operator === '!=') return (item) => label(item) !== value;
  return (item) => label(item) === value;
}

function fieldTest<T>(term: FilterTerm, field: FilterField<T>): Test<T> {
  const { operator, value, isAny } = term;
  switch (field.kind) {
    case 'text':
      if (operator === ':') return isAny ? (item) => field.of(item) !== '' : (item) => field.of(item).includes(value);
      return (item) => (field.of(item) === value) === (operator === '=');
    case 'texts':
      return isAny ? (item) => field.of(item).length > 0 : (item) => field.of(item).includes(value);
    case 'map':
      return isAny ? (item) => Object.keys(field.of(item)).length > 0 : (item) => Object.hasOwn(field.of(item), value);
    case 'time':
      return timeTest(term, field.of);
    case 'flag':
      if (value !== 'true' && value !== 'false') throw refused(`${term.field} is true or false`, term.valueAt);
      return (item) => (field.of(item) === (value === 'true')) === (operator === '=');
    case 'enum': {
      const wanted = field.values.find((one) => one === value || one === `${field.prefix}${value}`);
      const names = field.values.map((one) => one.slice(field.prefix.length));
      if (wanted === undefined) throw refused(`${term.field} is one of ${names.join(', ')}`, term.valueAt);
      return (item) => (field.of(item) === wanted) === (operator === '=');
    }
  }
}

function timeTest<T>(term: FilterTerm, of: (item: T) => Date | undefined): Test<T> {
  if (term.operator === ':') {
    if (!term.isAny) throw refused(`${term.field}:* asks whether there is one`, term.valueAt);
    return (item) => of(item) !== undefined;
  }
  const wanted = TIME.test(term.value) ? Date.parse(term.value) : NaN;
  if (Number.isNaN(wanted)) throw refused('a time is written as "2026-11-22T08:00:00Z" (RFC 3339)', term.valueAt);
  const compare = comparisons[term.operator];
  return (item) => compare(of(item)?.getTime() ?? NaN, wanted);
}

const comparisons: Readonly<Record<Exclude<FilterOperator, ':'>, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};
