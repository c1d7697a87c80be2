import { pino } from 'pino';

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
const secretFields = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'secrets',
  'token',
  'apiKey',
  'privateKey',
  'kek',
];

/** A logger that writes one JSON object a line. Fields with the names of secrets are replaced by `[secret]`. */
export function createLogger(name: string, options: LoggerOptions = {}): Logger {
  const { write } = options;
  const destination =
    write === undefined
      ? pino.destination({ dest: 1, sync: false, minLength: 0, maxLength: bufferBytesMax })
      : { write };
  const root = pino(
    {
      name,
      level: options.level ?? 'info',
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
      serializers: { error: serializeError },
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: '[secret]' },
    },
    destination,
  );
  return wrap(root);
}

function wrap(root: pino.Logger): Logger {
  return {
    debug: (fields, message) => root.debug(fields, message),
    info: (fields, message) => root.info(fields, message),
    warn: (fields, message) => root.warn(fields, message),
    error: (fields, message) => root.error(fields, message),
    fatal: (fields, message) => root.fatal(fields, message),
    child: (fields) => wrap(root.child(fields)),
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
