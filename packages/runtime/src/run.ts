import { EnvError } from './env.ts';
import { beginYoung } from './young-memory.ts';
import type { Logger } from './log.ts';

/** What `start` gives back: how to stop, and what else the root of the process needs to know. */
export interface RunningService extends AsyncDisposable {
  /** The longest a clean stop may take, in milliseconds. Default: the `stopWithinMs` given to `run`. */
  readonly stopWithinMs?: number;
  /** Settles when the service ends by itself. Rejected: it failed, the process exits with 1 after the disposal. */
  readonly ended?: Promise<unknown>;
}

/** The part of `process` that `run` touches. */
export interface ProcessLike {
  on(event: string, listener: (...values: never[]) => void): unknown;
  off(event: string, listener: (...values: never[]) => void): unknown;
  exit(code: number): void;
  exitCode?: number | string | null | undefined;
  readonly stdout: StreamLike;
  readonly stderr: StreamLike & { write(text: string): unknown };
}

interface StreamLike {
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
}

export interface RunOptions {
  /** Milliseconds a clean stop may take before the exit is forced, unless the service says otherwise. Default 10 s. */
  readonly stopWithinMs?: number;
  /** Where the life of the process is told. Without one, only failures are told, on standard error. */
  readonly log?: Logger;
  readonly process?: ProcessLike;
}

const stopWithinDefaultMs = 10_000;
/** After a failed start nothing is worth waiting for: whatever still holds the process open is cut off after this. */
const failedStartExitMs = 1_000;

type Ending =
  | { readonly kind: 'signal' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * The life of a process, which begins in young memory (`beginYoung`). `start` gets a signal that aborts on SIGTERM or SIGINT
 * and gives back what to dispose of; then the process ends by itself with code 0, or is forced out with code 1 when that takes
 * too long or on a second signal.
 *
 * A start that fails ends with code 1 and one clear sentence on standard error; for an `EnvError` with the list of its
 * problems. An error nobody caught ends the process at once with code 1: what it left half done is settled by whoever
 * takes over, which is safer than going on. Nobody reading standard output never ends it. Never rejects.
 */
export async function run(
  name: string,
  start: (signal: AbortSignal) => Promise<RunningService>,
  options: RunOptions = {},
): Promise<void> {
  beginYoung();
  const host = options.process ?? (process as unknown as ProcessLike);
  const stopping = new AbortController();
  const forced = createForcedExit(host, name, options.log);
  const stopWithinMs = (service?: RunningService): number =>
    service?.stopWithinMs ?? options.stopWithinMs ?? stopWithinDefaultMs;

  let service: RunningService | undefined;
  const onSignal = (signalName: string): void => {
    if (stopping.signal.aborted) return forced.now(`${signalName} again: stopping at once`);
    options.log?.info({ signal: signalName }, 'stopping');
    forced.after(stopWithinMs(service));
    stopping.abort();
  };
  const detach = attach(host, onSignal, (what, error) => {
    tell(host, options.log, `${name} failed: ${what}`, error);
    host.exit(1);
  });

  try {
    service = await start(stopping.signal);
  } catch (error) {
    detach();
    // A start that was told to stop and therefore rejects has done what it was asked to.
    if (stopping.signal.aborted && isAbort(error)) return forced.settle(0);
    tellFailedStart(host, options.log, name, error);
    forced.after(failedStartExitMs);
    host.exitCode = 1;
    return;
  }

  const ending = await endingOf(service, stopping.signal);
  if (ending.kind !== 'signal') forced.after(stopWithinMs(service));
  if (ending.kind === 'failed') tell(host, options.log, `${name} failed`, ending.error);
  stopping.abort();
  const clean = await dispose(service, (error) => tell(host, options.log, `${name} did not stop cleanly`, error));
  detach();
  if (clean) options.log?.info({}, 'stopped');
  forced.settle(ending.kind !== 'failed' && clean ? 0 : 1);
}

function endingOf(service: RunningService, signal: AbortSignal): Promise<Ending> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ kind: 'signal' });
    signal.addEventListener('abort', () => resolve({ kind: 'signal' }), { once: true });
    service.ended?.then(
      () => resolve({ kind: 'ended' }),
      (error: unknown) => resolve({ kind: 'failed', error }),
    );
  });
}

async function dispose(service: RunningService, failed: (error: unknown) => void): Promise<boolean> {
  try {
    await service[Symbol.asyncDispose]();
    return true;
  } catch (error) {
    failed(error);
    return false;
  }
}

/** Listens for signals, uncaught errors and broken output pipes; the function it returns ends that (but for pipes). */
function attach(
  host: ProcessLike,
  onSignal: (name: string) => void,
  onFailure: (what: string, error: unknown) => void,
): () => void {
  const ignoreBrokenPipe = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') throw error;
  };
  host.stdout.on('error', ignoreBrokenPipe);
  host.stderr.on('error', ignoreBrokenPipe);
  const listeners: [string, (...values: never[]) => void][] = [
    ['SIGTERM', () => onSignal('SIGTERM')],
    ['SIGINT', () => onSignal('SIGINT')],
    ['uncaughtException', (error: unknown) => onFailure('uncaught exception', error)],
    ['unhandledRejection', (error: unknown) => onFailure('unhandled rejection', error)],
  ];
  for (const [event, listener] of listeners) host.on(event, listener);
  return () => {
    for (const [event, listener] of listeners) host.off(event, listener);
  };
}

/** The only forced exit. Its timer holds nothing open: a process with nothing left to do ends before it. */
function createForcedExit(host: ProcessLike, name: string, log: Logger | undefined) {
  let timer: NodeJS.Timeout | undefined;
  let settledCode: number | undefined;
  const now = (why: string): void => {
    tell(host, log, `${name}: ${why}`);
    host.exit(settledCode ?? 1);
  };
  return {
    now,
    after(delayMs: number): void {
      clearTimeout(timer);
      timer = setTimeout(() => now(`not stopped after ${delayMs} ms: exit forced`), delayMs);
      timer.unref();
    },
    /**
     * The service is disposed of. The timer stays for what still holds the process open, such as a collector of
     * telemetry that does not answer; that no longer changes how the service ended.
     */
    settle(exitCode: number): void {
      settledCode = exitCode;
      host.exitCode = exitCode;
    },
  };
}

function isAbort(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === 'AbortError' || (error.cause instanceof Error && isAbort(error.cause)))
  );
}

function tellFailedStart(host: ProcessLike, log: Logger | undefined, name: string, error: unknown): void {
  if (error instanceof EnvError) {
    host.stderr.write(`${name} cannot start. ${error.message}\n`);
    return;
  }
  log?.fatal({ error }, 'start failed');
  host.stderr.write(`${name} cannot start: ${messageOf(error)}\n`);
}

function tell(host: ProcessLike, log: Logger | undefined, what: string, error?: unknown): void {
  if (log !== undefined) return log.fatal(error === undefined ? {} : { error }, what);
  host.stderr.write(
    `${what}${error === undefined ? '' : `: ${error instanceof Error ? error.stack : messageOf(error)}`}\n`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
