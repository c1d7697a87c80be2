import { createLineWriter, type LineWriter } from './line-writer.ts';

/** Named values of one log line. Ids and numbers go here, not into the message. No payloads, no secrets. */
export type LogFields = Readonly<Record<string, unknown>>;

export const logLevels = ['debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What code that logs needs: named values first, then the message. An error goes under the field `error`. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  fatal(fields: LogFields, message: string): void;
  /** A logger whose every line also carries `fields`. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level?: LogLevel;
  /** Where lines go; default standard output. A broken pipe there is ignored. */
  readonly write?: (line: string) => void;
}

/** Bytes of lines held while standard output does not take them. Beyond, lines are dropped: logs never stop deliveries. */
const bufferBytesMax = 4 * 1024 * 1024;

/** Field names whose values are never printed, at the top level and one level down, in whatever object is logged. */
const secretFields = new Set([
  'authorization',
  'cookie',
  'password',
  'secret',
  'secrets',
  'token',
  'apiKey',
  'privateKey',
  'kek',
]);
const censored = '[secret]';

/** A logger that writes one JSON object a line. Fields with the names of secrets are replaced by `[secret]`. */
export function createLogger(name: string, options: LoggerOptions = {}): Logger {
  const { write, level = 'info' } = options;
  const writer = write === undefined ? standardOutput() : lineCaller(write);
  return new JsonLogger(
    { line: writer.line.bind(writer), least: logLevels.indexOf(level) },
    `"name":${JSON.stringify(name)},`,
  );
}

/** One for the process: lines of several loggers do not mix. */
let stdout: LineWriter | null = null;

function standardOutput(): LineWriter {
  return (stdout ??= createLineWriter({ fd: 1, heldBytesMax: bufferBytesMax }));
}

function lineCaller(write: (line: string) => void): Pick<LineWriter, 'line'> {
  return { line: (head, body, tail) => write(`${head.slice(0, -1)},${body.slice(1)}${tail}`) };
}

interface Sink {
  readonly line: LineWriter['line'];
  /** Index of the least level that is written. */
  readonly least: number;
}

class JsonLogger implements Logger {
  readonly #sink: Sink;
  /** Members that every line has, as JSON, each with a comma behind it. */
  readonly #bound: string;

  constructor(sink: Sink, bound: string) {
    this.#sink = sink;
    this.#bound = bound;
  }

  debug(fields: LogFields, message: string): void {
    this.#log('debug', fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#log('info', fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#log('warn', fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#log('error', fields, message);
  }

  fatal(fields: LogFields, message: string): void {
    this.#log('fatal', fields, message);
  }

  child(fields: LogFields): Logger {
    const json = jsonOf(fields);
    return new JsonLogger(this.#sink, json === '{}' ? this.#bound : `${this.#bound}${json.slice(1, -1)},`);
  }

  #log(level: Exclude<LogLevel, 'silent'>, fields: LogFields, message: string): void {
    if (logLevels.indexOf(level) < this.#sink.least) return;
    // Last, where it is looked for; one object, for that is faster than any joining of parts.
    const json = jsonOf({ ...fields, message });
    this.#sink.line(`{"level":"${level}","time":"${isoNow()}",${this.#bound}`, json, '\n');
  }
}

let isoAt = 0;
let iso = '';

function isoNow(): string {
  const now = Date.now();
  if (now !== isoAt) {
    isoAt = now;
    iso = new Date(now).toISOString();
  }
  return iso;
}

function jsonOf(fields: LogFields): string {
  const shown = withoutSecrets(fields);
  const told = 'error' in shown || 'err' in shown ? withErrors(shown) : shown;
  try {
    return JSON.stringify(told);
  } catch {
    return JSON.stringify(told, readable());
  }
}

function withErrors(fields: Record<string, unknown>): Record<string, unknown> {
  const told = { ...fields };
  for (const name of ['error', 'err']) if (name in told) told[name] = serializeError(told[name]);
  return told;
}

/** For what has no JSON: numbers beyond 2^53, and objects that hold themselves. */
function readable(): (this: unknown, name: string, value: unknown) => unknown {
  const above: unknown[] = [];
  return function (_name, value) {
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    while (above.length > 0 && above.at(-1) !== this) above.pop();
    if (above.includes(value)) return '[circular]';
    above.push(value);
    return value;
  };
}

/** The same fields when none has the name of a secret, itself or one level down; else a copy that shows none. */
function withoutSecrets(fields: LogFields): Record<string, unknown> {
  for (const name in fields) {
    if (secretFields.has(name) || holdsSecret(name, fields[name])) return copyWithoutSecrets(fields);
  }
  return fields;
}

function holdsSecret(field: string, value: unknown): value is object {
  // Of an error only what its serializer takes is shown; bytes and dates have no names.
  if (typeof value !== 'object' || value === null || field === 'error') return false;
  if (ArrayBuffer.isView(value) || value instanceof Date) return false;
  for (const name in value) if (secretFields.has(name)) return true;
  return false;
}

function copyWithoutSecrets(fields: LogFields): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (secretFields.has(name)) copy[name] = censored;
    else copy[name] = holdsSecret(name, value) ? censorNames(value) : value;
  }
  return copy;
}

function censorNames(value: object): object {
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, secretFields.has(name) ? censored : (inner as unknown)]),
  );
}

/**
 * Type, message, code, stack and up to three causes. Other properties of an error are left out on purpose: libraries
 * hang requests, configurations and sockets on their errors.
 */
export function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    stack: error.stack,
    ...(error.cause === undefined || depth >= 3 ? {} : { cause: serializeError(error.cause, depth + 1) }),
  };
}

const ignore = (): void => {};

/** Logs nothing. */
export const silentLogger: Logger = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  fatal: ignore,
  child: () => silentLogger,
};

export interface RecordedLine {
  readonly level: Exclude<LogLevel, 'silent'>;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger for tests: keeps every line, of its children too, in `lines`. */
export function recordingLogger(): Logger & { readonly lines: readonly RecordedLine[] } {
  const lines: RecordedLine[] = [];
  const bind = (bound: LogFields): Logger => {
    const at = (level: RecordedLine['level']) => (fields: LogFields, message: string) =>
      void lines.push({ level, message, fields: { ...bound, ...fields } });
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      fatal: at('fatal'),
      child: (fields) => bind({ ...bound, ...fields }),
    };
  };
  return { ...bind({}), lines };
}
