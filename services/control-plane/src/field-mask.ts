import type { FieldViolation } from '@postrider/core';

/** What an update may do with one field of a resource, by the field's name in the proto. */
export type MaskRule<T> =
  | Changeable<T>
  | { readonly kind: 'output-only' }
  | { readonly kind: 'immutable'; readonly why: string };

/** A message whose fields may be named one by one. */
export interface MessageParts {
  readonly names: readonly string[];
  /** Fields that exclude each other, with the property that holds the one that is set. */
  readonly oneofs?: Readonly<Record<string, string>>;
  /** The message with nothing set. */
  readonly blank: () => object;
}

interface Changeable<T> {
  readonly kind: 'changeable';
  readonly property: keyof T & string;
  /** Fields of the message, if they may be named one by one. */
  readonly parts?: MessageParts;
  /** Of an enum: the value that means "not set". */
  readonly unset?: string;
}

export type MaskRules<T> = Readonly<Record<string, MaskRule<T>>>;

/** What a mask asks for: the next state, or everything that is wrong with the mask. */
export type Masked<T> = { readonly next: T } | { readonly violations: readonly FieldViolation[] };

/**
 * Applies an update (https://google.aip.dev/134): without a mask all fields that are set, with `*` all changeable ones,
 * else the named ones. Paths of the form `field` or `field.part`; a part of a map cannot be named.
 */
export function applyMask<T extends object>(
  rules: MaskRules<T>,
  current: T,
  given: T,
  paths: readonly string[] | undefined,
): Masked<T> {
  const changeable = Object.entries(rules).flatMap(([path, rule]) =>
    rule.kind === 'changeable' ? [{ path, rule }] : [],
  );
  if (paths === undefined || paths.length === 0) {
    const set = changeable.filter(({ rule }) => isSet(given[rule.property], rule.unset));
    return {
      next: copy(
        current,
        given,
        set.map(({ rule }) => rule.property),
      ),
    };
  }
  if (paths.includes('*')) {
    if (paths.length > 1) return { violations: [violation('* must stand alone')] };
    return {
      next: copy(
        current,
        given,
        changeable.map(({ rule }) => rule.property),
      ),
    };
  }
  const violations: FieldViolation[] = [];
  let next = current;
  for (const path of paths) {
    const problem = pathProblem(rules, path);
    if (problem !== null) violations.push(violation(problem));
    else next = applyPath(rules, next, given, path);
  }
  return violations.length > 0 ? { violations } : { next };
}

function pathProblem<T>(rules: MaskRules<T>, path: string): string | null {
  const [field = '', part, ...more] = path.split('.');
  const rule = Object.hasOwn(rules, field) ? rules[field] : undefined;
  if (rule === undefined) return `${path} is not a field`;
  if (rule.kind === 'output-only') return `${path} is set by the server and cannot be changed`;
  if (rule.kind === 'immutable') return `${path} ${rule.why}`;
  if (part === undefined) return null;
  const { names = [], oneofs = {} } = (rule.kind === 'changeable' ? rule.parts : undefined) ?? {};
  const isPart = more.length === 0 && (names.includes(part) || Object.hasOwn(oneofs, part));
  return isPart ? null : `${path} is not a field; name ${field} as a whole`;
}

function applyPath<T extends object>(rules: MaskRules<T>, current: T, given: T, path: string): T {
  const [field = '', part] = path.split('.');
  const rule = rules[field];
  if (rule?.kind !== 'changeable') return current;
  if (part === undefined) return copy(current, given, [rule.property]);
  const blank = rule.parts?.blank() ?? {};
  const before = ((current[rule.property] as object | undefined) ?? blank) as Fields;
  const after = ((given[rule.property] as object | undefined) ?? blank) as Fields;
  const oneof = rule.parts?.oneofs?.[part];
  const key = oneof ?? camelCase(part);
  const value = oneof === undefined ? after[key] : oneofValue(part, before[key], after[key]);
  return { ...current, [rule.property]: { ...before, [key]: value } };
}

type Fields = Readonly<Record<string, unknown>>;

/** The named field when it is given; else what is set, unless just that is to be cleared. */
function oneofValue(part: string, before: unknown, after: unknown): unknown {
  const isNamed = (value: unknown): boolean => (value as { $case?: string } | undefined)?.$case === camelCase(part);
  if (isNamed(after)) return after;
  return isNamed(before) ? undefined : before;
}

function copy<T extends object>(current: T, given: T, properties: readonly (keyof T)[]): T {
  const next = { ...current };
  for (const property of properties) next[property] = given[property];
  return next;
}

/** Whether a field differs from proto3's default. */
function isSet(value: unknown, unset: string | undefined): boolean {
  if (value === undefined || value === '' || value === 0 || value === false || value === unset) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (isPlainMap(value)) return Object.keys(value).length > 0;
  return true;
}

/** Maps come as plain objects of strings; messages always know their unknown fields. */
function isPlainMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Date) && !('_unknownFields' in value);
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function violation(description: string): FieldViolation {
  return { field: 'update_mask', description };
}
