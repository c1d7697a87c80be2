import { pino } from 'pino';
import { gatherLines, type LineGatherer } from './line-gatherer.ts';
import { isoTime, quickLines } from './log-line.ts';

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
  const { write } = options;
  const root = pino(
    {
      name,
      level: options.level ?? 'info',
      base: { name },
      timestamp: isoTime,
      // Not pino's own redaction: it takes longer over a line than all the rest.
      formatters: { level: (label) => ({ level: label }), log: withoutSecrets },
      messageKey: 'message',
      serializers: { error: serializeError },
    },
    write === undefined ? standardOutput() : { write },
  );
  quickLines(root, secretFields);
  return wrap(root);
}

/** One for the process: lines of several loggers do not mix. */
let stdout: LineGatherer | undefined;

function standardOutput(): LineGatherer {
  if (stdout !== undefined) return stdout;
  const lines = gatherLines(pino.destination({ dest: 1, sync: false, minLength: 0, maxLength: bufferBytesMax }));
  // Before the library's own listener, which writes what it was given and closes.
  process.prependListener('exit', () => lines.flushSync());
  return (stdout = lines);
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

function wrap(root: pino.Logger): Logger {
  return {
    debug: (fields, message) => root.debug(fields, message),
    info: (fields, message) => root.info(fields, message),
    warn: (fields, message) => root.warn(fields, message),
    error: (fields, message) => root.error(fields, message),
    fatal: (fields, message) => root.fatal(fields, message),
    child: (fields) => wrap(root.child(withoutSecrets(fields))),
  };
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
