import { isServiceLink, nearestName } from './env-names.ts';

/** The environment as given: `process.env` or a test's object. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What reading one field gave: its value, or what is wrong with the variable it names. */
export type FieldResult<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'problem'; readonly variable: string; readonly detail: string };

/** What an operator is told of one setting. `docs/operations/settings.md` is made of these. */
export interface Setting {
  /** What it may come from, the first of which is its name. */
  readonly variables: readonly string[];
  /** What is taken: form, unit and bounds. */
  readonly takes: string;
  /** What holds when it is absent, as it would be written; `null`: nothing; `undefined`: it must be given. */
  readonly default: string | null | undefined;
  /** What it does. */
  readonly says: string;
}

/** A field: what it may come from and how to read that. Made by the functions of `env-fields.ts`. */
export interface EnvField<T> {
  /** Of every variable that it knows. */
  readonly settings: readonly Setting[];
  read(env: Env): FieldResult<T>;
}

/** A tree of fields: settings by name, groups of settings by name. */
export interface EnvSpec {
  readonly [name: string]: EnvField<unknown> | EnvSpec;
}

/** The values a spec reads, in the spec's own shape. */
export type EnvValues<S> = {
  readonly [K in keyof S]: S[K] extends EnvField<infer T> ? T : EnvValues<S[K]>;
};

/** The environment cannot be used. `problems` names every variable that is wrong; values of secrets never appear. */
export class EnvError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? 'One problem' : `${problems.length} problems`;
    super(`${count} in the environment:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'EnvError';
    this.problems = problems;
  }
}

export interface ReadEnvOptions {
  /** Variables with this prefix that no field names are refused as typing errors. Default `POSTRIDER_`. */
  readonly prefix?: string;
  /** Further variables with the prefix that are fine here, such as those of a service in the same pod. */
  readonly alsoKnown?: readonly string[];
}

/**
 * Reads every field of `spec` from `env` and returns a frozen object of the same shape. Throws one `EnvError` that
 * lists *all* problems by variable name: missing, malformed, out of range, unreadable, and unknown variables with the
 * prefix (with the nearest known name). Variables Kubernetes injects for services are not taken for typing errors.
 */
export function readEnv<const S extends EnvSpec>(env: Env, spec: S, options: ReadEnvOptions = {}): EnvValues<S> {
  const known = new Set(options.alsoKnown);
  const problems: string[] = [];
  const values = readGroup(env, spec, known, problems);
  problems.push(...unknownVariables(env, options.prefix ?? 'POSTRIDER_', known));
  if (problems.length > 0) throw new EnvError(problems);
  return values as EnvValues<S>;
}

function readGroup(env: Env, spec: EnvSpec, known: Set<string>, problems: string[]): object {
  const values: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(spec)) {
    if (!isField(entry)) {
      values[name] = readGroup(env, entry, known, problems);
      continue;
    }
    for (const { variables } of entry.settings) for (const variable of variables) known.add(variable);
    const result = entry.read(env);
    if (result.kind === 'value') values[name] = result.value;
    else problems.push(`${result.variable} ${result.detail}`);
  }
  return Object.freeze(values);
}

/** What an operator is told of every field in the tree, in its order. */
export function settingsOf(spec: EnvSpec): Setting[] {
  return Object.values(spec).flatMap((entry) => (isField(entry) ? [...entry.settings] : settingsOf(entry)));
}

function isField(entry: EnvField<unknown> | EnvSpec): entry is EnvField<unknown> {
  return typeof entry.read === 'function';
}

function unknownVariables(env: Env, prefix: string, known: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined || !variable.startsWith(prefix) || known.has(variable)) continue;
    if (isServiceLink(variable, value)) continue;
    const nearest = nearestName(variable, known);
    const advice =
      nearest === undefined
        ? ': take it out of the environment of this process, which is given only what it uses'
        : `; did you mean ${nearest}?`;
    problems.push(`${variable} is not a known setting${advice}`);
  }
  return problems;
}
