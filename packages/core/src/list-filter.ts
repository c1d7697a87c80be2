import { limits } from './limits.ts';

/** How a field is compared. `:` asks whether it has something. */
export type FilterOperator = '=' | '!=' | '<' | '<=' | '>' | '>=' | ':';

/** One comparison of a filter. */
export interface FilterTerm {
  /** As it is written, `state` for example. */
  readonly field: string;
  /** Of `labels.team`: the key; null: the field itself is compared. */
  readonly key: string | null;
  readonly operator: FilterOperator;
  readonly value: string;
  /** A bare `*`: anything at all. */
  readonly isAny: boolean;
  /** Where the term begins, and where its operator and its value do: characters from 0. */
  readonly at: number;
  readonly operatorAt: number;
  readonly valueAt: number;
}

/** What is wrong with a filter, and where: characters from 0. */
export interface FilterProblem {
  readonly problem: string;
  readonly at: number;
}

const SPACES = /[ \t\r\n]+/y;
const OPERATOR = /!=|<=|>=|[=<>:]/y;
const FIELD = /[A-Za-z_]\w*/y;
const LABEL_KEY = /[A-Za-z0-9_][A-Za-z0-9_/-]*/y;
// What needs no quotes: words, numbers, times, addresses, names of resources.
const BARE = /[A-Za-z0-9_*@+/-][A-Za-z0-9_*@+/.:-]*/y;
const QUOTED = /"(?:[^"\\]|\\["'\\])*"|'(?:[^'\\]|\\["'\\])*'/y;

/**
 * Reads a filter: comparisons that must all be true, joined by `AND`; a part of AIP-160. Which fields there are is not
 * known here: see `compileListFilter`. A text of spaces has no terms.
 * @returns the terms, or what is wrong with the first that is: never throws, whatever the text is
 */
export function parseListFilter(text: string): readonly FilterTerm[] | FilterProblem {
  const { filterCharsMax, filterTermsMax } = limits;
  if (text.length > filterCharsMax)
    return { problem: `it has more than ${filterCharsMax} characters`, at: filterCharsMax };
  const cursor = createCursor(text);
  const terms: FilterTerm[] = [];
  cursor.take(SPACES);
  while (cursor.at < text.length) {
    const { at } = cursor;
    if (terms.length > 0 && (cursor.take(FIELD) !== 'AND' || cursor.take(SPACES) === null))
      return { problem: 'comparisons are joined by AND, and by nothing else', at };
    if (terms.length === filterTermsMax) return { problem: `it has more than ${filterTermsMax} comparisons`, at };
    const term = readTerm(cursor);
    if ('problem' in term) return term;
    terms.push(term);
    if (cursor.take(SPACES) === null && cursor.at < text.length)
      return { problem: 'a value with such a character is put in quotes', at: cursor.at };
  }
  return terms;
}

interface Cursor {
  readonly at: number;
  /** What stands here in this form, and goes behind it; null: something else does. */
  take(form: RegExp): string | null;
}

function createCursor(text: string): Cursor {
  let at = 0;
  return {
    get at() {
      return at;
    },
    take(form) {
      form.lastIndex = at;
      const [found = null] = form.exec(text) ?? [];
      at += found?.length ?? 0;
      return found;
    },
  };
}

function readTerm(cursor: Cursor): FilterTerm | FilterProblem {
  const { at } = cursor;
  const field = cursor.take(FIELD);
  if (field === null) return { problem: 'the name of a field is missing', at };
  let key: string | null = null;
  if (cursor.take(/\./y) !== null) {
    const keyAt = cursor.at;
    const quoted = cursor.take(QUOTED);
    key = quoted === null ? cursor.take(LABEL_KEY) : unquoted(quoted);
    if (key === null) return { problem: 'a key is missing behind the dot', at: keyAt };
  }
  cursor.take(SPACES);
  const operatorAt = cursor.at;
  const operator = cursor.take(OPERATOR);
  if (operator === null) return { problem: 'one of = != < <= > >= : is missing', at: operatorAt };
  cursor.take(SPACES);
  const valueAt = cursor.at;
  const quoted = cursor.take(QUOTED);
  const value = quoted === null ? cursor.take(BARE) : unquoted(quoted);
  if (value === null) return { problem: 'a value, or the end of its quotes, is missing', at: valueAt };
  const isAny = quoted === null && value === '*';
  return { field, key, operator: operator as FilterOperator, value, isAny, at, operatorAt, valueAt };
}

function unquoted(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(["'\\])/g, '$1');
}
