import { accessSync, constants, readFileSync } from 'node:fs';
import { envSecret, type EnvSecret } from './env-secret.ts';
import { bytesOf, inUnits, millisecondsOf } from './env-units.ts';
import type { Env, EnvField, FieldResult, Setting } from './env.ts';

/** What a field tells operators of itself. */
export interface Told {
  /** What the setting does, in a sentence or two. Needed wherever operators may set it. */
  readonly says?: string;
  /** The default as operators are told it, where that is not how the value is written. */
  readonly defaultShown?: string;
}

/** What every field may say about absence: a default, or that it may be absent; otherwise it is required. */
export interface Absence<T> extends Told {
  readonly default?: T;
  readonly optional?: true;
}

/** A field's type: with `optional: true` the value may be `undefined`. */
export type Read<T, O> = O extends { optional: true } ? T | undefined : T;

/** What a parser gives back: the value, or why the text is not one ("is not …"). */
type Parsed<T> = { readonly value: T } | { readonly wrong: string };

/** How values of a kind are written. */
interface Form<T> {
  /** What is taken, as operators are told it. */
  readonly takes: string;
  readonly show?: (value: T) => string;
}

/** Makes a field of a parser. The variable absent: default, else `undefined` if optional, else a problem. */
function field<T, O extends Absence<T>>(
  variable: string,
  options: O,
  form: Form<T>,
  parse: (text: string) => Parsed<T>,
): EnvField<Read<T, O>> {
  return {
    settings: [settingOf([variable], options, form)],
    read(env: Env): FieldResult<Read<T, O>> {
      const text = env[variable];
      if (text === undefined) return absent(variable, options);
      if (text.trim() === '') return { kind: 'problem', variable, detail: 'is set but empty' };
      const parsed = parse(text);
      if ('wrong' in parsed) return { kind: 'problem', variable, detail: parsed.wrong };
      return { kind: 'value', value: parsed.value as Read<T, O> };
    },
  };
}

function settingOf<T>(variables: readonly string[], options: Absence<T>, { takes, show = String }: Form<T>): Setting {
  const written = options.default === undefined ? (options.optional ? null : undefined) : show(options.default);
  return { variables, takes, default: options.defaultShown ?? written, says: options.says ?? '' };
}

function absent<T, O extends Absence<T>>(variable: string, options: O): FieldResult<Read<T, O>> {
  if (options.default !== undefined) return { kind: 'value', value: options.default as Read<T, O> };
  if (options.optional) return { kind: 'value', value: undefined as Read<T, O> };
  return { kind: 'problem', variable, detail: 'is missing' };
}

/** Shows an unusable value in a problem, cut short. Never used for texts, lists, URLs and secrets. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/** Any text that is not blank, optionally held to a pattern; `hint` says what the pattern means. */
export function text<const O extends Absence<string> & { readonly pattern?: RegExp; readonly hint?: string }>(
  variable: string,
  options: O = {} as O,
): EnvField<Read<string, O>> {
  return field<string, O>(variable, options, { takes: options.hint ?? 'text' }, (raw) => {
    if (options.pattern === undefined || options.pattern.test(raw)) return { value: raw };
    return { wrong: `is not ${options.hint ?? `of the form ${options.pattern.source}`}` };
  });
}

/** One of the given words. */
export function oneOf<const V extends string, const O extends Absence<NoInfer<V>>>(
  variable: string,
  values: readonly V[],
  options: O = {} as O,
): EnvField<Read<V, O>> {
  const takes = values.map((value) => `\`${value}\``).join(', ');
  return field<V, O>(variable, options, { takes }, (raw) => {
    const value = values.find((candidate) => candidate === raw);
    if (value !== undefined) return { value };
    return { wrong: `is ${quoted(raw)}, not one of ${values.join(', ')}` };
  });
}

/** `true` or `false`, and nothing else. */
export function boolean<const O extends Absence<boolean>>(
  variable: string,
  options: O = {} as O,
): EnvField<Read<boolean, O>> {
  return field<boolean, O>(variable, options, { takes: '`true` or `false`' }, (raw) => {
    if (raw === 'true' || raw === 'false') return { value: raw === 'true' };
    return { wrong: `is ${quoted(raw)}, not true or false` };
  });
}

/** Inclusive bounds, in the unit of the field. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** A form with its bounds. */
function within(form: string, { min, max }: Range, show: (bound: number) => string): Form<number> {
  const least = min === undefined ? '' : `, ${show(min)}`;
  const most = max === undefined || max === Number.MAX_SAFE_INTEGER ? '' : show(max);
  const bounds =
    most === '' ? (least === '' ? '' : `${least} at least`) : `${least === '' ? ', up' : least} to ${most}`;
  return { takes: `${form}${bounds}`, show };
}

function inRange(value: number, raw: string, range: Range, show: (bound: number) => string): Parsed<number> {
  const { min, max } = range;
  if (min !== undefined && value < min) return { wrong: `is ${quoted(raw)}, below the least allowed, ${show(min)}` };
  if (max !== undefined && value > max) return { wrong: `is ${quoted(raw)}, above the most allowed, ${show(max)}` };
  return { value };
}

/** A whole decimal number, within bounds. */
export function integer<const O extends Absence<number> & Range>(
  variable: string,
  options: O = {} as O,
): EnvField<Read<number, O>> {
  return field<number, O>(variable, options, within('whole number', options, String), (raw) => {
    const value = Number(raw);
    if (!/^-?\d+$/.test(raw) || !Number.isSafeInteger(value)) return { wrong: `is ${quoted(raw)}, not a whole number` };
    return inRange(value, raw, options, String);
  });
}

/** A TCP port; 0 lets the system choose one. */
export function port<const O extends Absence<number>>(
  variable: string,
  options: O = {} as O,
): EnvField<Read<number, O>> {
  return integer(variable, { ...options, min: 0, max: 65_535 });
}

/** A length of time such as `250ms`, `30s`, `5m`, `2h` or `7d`; read as milliseconds. */
export function duration<const O extends Absence<number> & Range>(
  variable: string,
  options: O = {} as O,
): EnvField<Read<number, O>> {
  const show = (bound: number): string => inUnits(bound, millisecondsOf);
  return field<number, O>(variable, options, within('duration', options, show), (raw) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(raw);
    const unit = millisecondsOf[match?.[2] ?? ''];
    if (unit === undefined) return { wrong: `is ${quoted(raw)}, not a duration such as 250ms, 30s, 5m, 2h or 7d` };
    return inRange(Math.round(Number(match?.[1]) * unit), raw, options, show);
  });
}

/** A size such as `512B`, `64KiB`, `1MiB` or `2GiB`; read as bytes. */
export function bytes<const O extends Absence<number> & Range>(
  variable: string,
  options: O = {} as O,
): EnvField<Read<number, O>> {
  const show = (bound: number): string => inUnits(bound, bytesOf);
  return field<number, O>(variable, options, within('size', options, show), (raw) => {
    const match = /^(\d+)(B|KiB|MiB|GiB)$/.exec(raw);
    const unit = bytesOf[match?.[2] ?? ''];
    if (unit === undefined) return { wrong: `is ${quoted(raw)}, not a size such as 512B, 64KiB, 1MiB or 2GiB` };
    return inRange(Number(match?.[1]) * unit, raw, options, show);
  });
}

/** Texts divided by commas, blanks around them dropped; at least one. */
export function list<const O extends Absence<readonly string[]>>(
  variable: string,
  options: O = {} as O,
): EnvField<Read<readonly string[], O>> {
  const form = { takes: 'texts divided by commas', show: (items: readonly string[]) => items.join(',') };
  return field<readonly string[], O>(variable, options, form, (raw) => {
    const items = raw.split(',').map((item) => item.trim());
    if (items.includes('')) return { wrong: 'has an empty item between its commas' };
    return { value: Object.freeze(items) };
  });
}

/** An absolute URL with one of the given schemes (default `http`, `https`) and no user or password in it. */
export function url<const O extends Absence<URL> & { readonly schemes?: readonly string[] }>(
  variable: string,
  options: O = {} as O,
): EnvField<Read<URL, O>> {
  const schemes = options.schemes ?? ['http', 'https'];
  return field<URL, O>(variable, options, { takes: `URL, ${schemes.join(' or ')}` }, (raw) => {
    const value = URL.parse(raw);
    if (value === null) return { wrong: 'is not a URL' };
    if (!schemes.includes(value.protocol.slice(0, -1)))
      return { wrong: `is not a URL with scheme ${schemes.join(' or ')}` };
    if (value.username !== '' || value.password !== '') return { wrong: 'must not hold a user name or password' };
    return { value };
  });
}

/** The content of the file at the path the variable holds, such as a certificate. */
export function fileContent<const O extends Absence<Buffer>>(
  variable: string,
  options: O = {} as O,
): EnvField<Read<Buffer, O>> {
  return field<Buffer, O>(variable, options, { takes: 'path of a file' }, readContent);
}

function readContent(path: string): Parsed<Buffer> {
  try {
    return { value: readFileSync(path) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return { wrong: `names a file that cannot be read: ${JSON.stringify(path)} (${code})` };
  }
}

/**
 * A secret, from `variable` or from the file that `<variable>_FILE` names (one trailing line break is dropped). Both
 * set is a problem, since it is unclear which one holds. Its value appears in no problem text.
 */
export function secret<const O extends Told & { readonly optional?: true; readonly minLength?: number }>(
  variable: string,
  options: O = {} as O,
): EnvField<Read<EnvSecret, O>> {
  const fileVariable = `${variable}_FILE`;
  const finish = (name: string, value: string): FieldResult<Read<EnvSecret, O>> => {
    const least = options.minLength ?? 1;
    if (value.trim() === '') return { kind: 'problem', variable: name, detail: 'gives an empty secret' };
    if (value.length < least) {
      return {
        kind: 'problem',
        variable: name,
        detail: `gives a secret shorter than ${least} characters`,
      };
    }
    return { kind: 'value', value: envSecret(value) as Read<EnvSecret, O> };
  };
  return {
    settings: [settingOf([variable, fileVariable], options, { takes: 'a secret, or the path of its file' })],
    read(env) {
      const direct = env[variable];
      const path = env[fileVariable];
      if (direct !== undefined && path !== undefined) {
        return { kind: 'problem', variable, detail: `and ${fileVariable} are both set; set one` };
      }
      if (direct !== undefined) return finish(variable, direct);
      if (path === undefined) {
        if (options.optional) return { kind: 'value', value: undefined as Read<EnvSecret, O> };
        return { kind: 'problem', variable, detail: `(or ${fileVariable}) is missing` };
      }
      const content = readContent(path);
      if ('wrong' in content) return { kind: 'problem', variable: fileVariable, detail: content.wrong };
      return finish(fileVariable, content.value.toString('utf8').replace(/\r?\n$/, ''));
    },
  };
}

/** The values of several fields. */
type ValuesOf<S> = { readonly [K in keyof S]: S[K] extends EnvField<infer T> ? T : never };

/**
 * A field whose value is made of several fields'; what `make` throws is the problem of the first of them. Its message must hold
 * no secret.
 */
export function combined<const S extends Readonly<Record<string, EnvField<unknown>>>, B>(
  fields: S,
  make: (values: ValuesOf<S>) => B,
): EnvField<B> {
  return parsed(
    {
      settings: Object.values(fields).flatMap((one) => [...one.settings]),
      read(env) {
        const values: Record<string, unknown> = {};
        for (const [name, one] of Object.entries(fields)) {
          const result = one.read(env);
          if (result.kind === 'problem') return result;
          values[name] = result.value;
        }
        return { kind: 'value', value: values as ValuesOf<S> };
      },
    },
    make,
  );
}

/** A field whose value is made of another field's; what `make` throws is the problem. Its message must hold no secret. */
export function parsed<A, B>(from: EnvField<A>, make: (value: A) => B): EnvField<B> {
  return {
    settings: from.settings,
    read(env) {
      const result = from.read(env);
      if (result.kind === 'problem') return result;
      try {
        return { kind: 'value', value: make(result.value) };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return { kind: 'problem', variable: from.settings[0]?.variables[0] ?? '', detail: `cannot be used: ${why}` };
      }
    },
  };
}

/** The path of a file that is read while the process runs, if one is named. One that cannot be read now is a problem. */
export function readableFile(variable: string, told: Told = {}): EnvField<string | undefined> {
  return parsed(text(variable, { optional: true, hint: 'path of a file', ...told }), (path) => {
    if (path !== undefined) accessSync(path, constants.R_OK);
    return path;
  });
}

/** What several variables say together; `problemOf` tells which of them is at fault, and how, or null. */
export function together(
  problemOf: (env: Env) => { readonly variable: string; readonly detail: string } | null,
): EnvField<null> {
  return {
    settings: [],
    read(env) {
      const problem = problemOf(env);
      return problem === null ? { kind: 'value', value: null } : { kind: 'problem', ...problem };
    },
  };
}
