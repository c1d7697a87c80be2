import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../support/wait-for.ts';

const root = join(import.meta.dirname, '../..');
const startTimeoutMs = 60_000;
const stopTimeoutMs = 60_000;
const logCharsShown = 4_000;

/** The dispatcher as an operator runs it, its log in a file. */
export interface DispatcherProcess extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when it serves this many partitions. */
  serving(partitions: number): Promise<void>;
  /** Waits that long; rejects, with the end of its log, when it ends meanwhile. */
  during(milliseconds: number): Promise<void>;
  /** Requests in flight just now, as its metrics say. */
  inFlight(): Promise<number>;
  /** SIGTERM; resolves when it has ended in good order, and rejects when it did not. */
  stop(): Promise<void>;
}

export interface DispatcherProcessOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly healthPort: number;
  readonly logFile: string;
  /** Directory for a CPU profile; null: none is taken. */
  readonly profileDir: string | null;
}

/** Starts `node services/dispatcher/src/main.ts`. It gets no setting of Postrider's but those in `env`, and dies with us. */
export async function startDispatcherProcess(options: DispatcherProcessOptions): Promise<DispatcherProcess> {
  const { env, healthPort, logFile, profileDir } = options;
  await using log = await open(logFile, 'w');
  const profiler = profileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  const endWithUs = ['--import', join(root, 'test/support/end-with-parent.ts')];
  const child = spawn(process.execPath, [...profiler, ...endWithUs, join(root, 'services/dispatcher/src/main.ts')], {
    cwd: root,
    env: { ...foreignEnvironment(), ...env, POSTRIDER_HEALTH_PORT: String(healthPort) },
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
  });
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  const running = () => child.exitCode === null && child.signalCode === null;
  const failed = async (what: string): Promise<Error> => {
    const text = await readFile(logFile, 'utf8');
    return new Error(`the dispatcher ${what}; its log ends with\n${text.slice(-logCharsShown)}`);
  };
  const served = async (): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${healthPort}/readyz`);
    const { checks } = (await response.json()) as { checks: { owning: { detail?: { serving?: number } } } };
    return checks.owning.detail?.serving ?? 0;
  };
  return {
    pid: child.pid ?? -1,
    async serving(partitions) {
      const what = `the dispatcher to serve ${partitions} partitions`;
      const condition = async () => !running() || (await served()) === partitions;
      await waitFor(condition, { what, timeoutMs: startTimeoutMs }).catch(async (error: unknown) => {
        throw await failed((error as Error).message);
      });
      if (!running()) throw await failed('ended instead of starting');
    },
    async during(milliseconds) {
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => void (timer = setTimeout(resolve, milliseconds)));
      await Promise.race([over, ended]);
      clearTimeout(timer);
      if (!running()) throw await failed('ended in the middle');
    },
    async inFlight() {
      const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
      const value = /^postrider_requests_in_flight(?:\{.*\})? (\d+)/m.exec(text)?.[1];
      if (value === undefined) throw new Error('the metrics do not tell the requests in flight');
      return Number(value);
    },
    async stop() {
      child.kill('SIGTERM');
      const giveUp = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      const how = await ended;
      clearTimeout(giveUp);
      if (how !== 0) throw await failed(`stopped with ${how} instead of 0`);
    },
    async [Symbol.asyncDispose]() {
      if (running()) child.kill('SIGKILL');
      await ended;
    },
  };
}

function foreignEnvironment(): Record<string, string | undefined> {
  const ours = (name: string) => name.startsWith('POSTRIDER_') || name.startsWith('OTEL_');
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours(name)));
}
