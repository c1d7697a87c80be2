import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageEnvironment } from '../support/image-environment.ts';
import { waitFor } from '../support/wait-for.ts';

const root = join(import.meta.dirname, '../..');
const waitTimeoutMs = 120_000;
const stopTimeoutMs = 60_000;
const logCharsShown = 4_000;

/** A service as an operator runs it, its log in a file. */
export interface BenchProcess extends AsyncDisposable {
  readonly pid: number;
  /** What `/readyz` says; null: nothing yet. */
  readiness(): Promise<Readiness | null>;
  /** Waits until the condition holds; rejects, with the end of its log, when the process ends before that. */
  until(what: string, condition: () => Promise<boolean>): Promise<void>;
  /** Waits that long; rejects, with the end of its log, when it ends meanwhile. */
  during(milliseconds: number): Promise<void>;
  /** The value of a metric without labels; a sum where there are several. */
  metric(name: string): Promise<number>;
  /** SIGTERM; resolves when it has ended in good order, and rejects when it did not. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
}

export interface Readiness {
  readonly ok: boolean;
  readonly checks: Readonly<Record<string, { readonly detail?: Readonly<Record<string, number | string>> }>>;
}

export interface BenchProcessOptions {
  readonly service: 'dispatcher' | 'router' | 'control-plane';
  readonly env: Readonly<Record<string, string>>;
  readonly healthPort: number;
  readonly logFile: string;
  /** Directory for a CPU profile; null: none is taken. */
  readonly profileDir: string | null;
  /** For Node itself. */
  readonly nodeFlags?: readonly string[];
}

/** Starts `node services/<service>/src/main.ts`. It gets no setting of Postrider's but those in `env`, and dies with us. */
export async function startBenchProcess(options: BenchProcessOptions): Promise<BenchProcess> {
  const { service, env, healthPort, logFile, profileDir, nodeFlags = [] } = options;
  await using log = await open(logFile, 'w');
  const profiler = profileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  const endWithUs = ['--import', join(root, 'test/support/end-with-parent.ts')];
  const main = join(root, 'services', service, 'src/main.ts');
  const child = spawn(process.execPath, [...nodeFlags, ...profiler, ...endWithUs, main], {
    cwd: root,
    env: { ...foreignEnvironment(), ...imageEnvironment, ...env, POSTRIDER_HEALTH_PORT: String(healthPort) },
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
  });
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  const running = () => child.exitCode === null && child.signalCode === null;
  const failed = async (what: string): Promise<Error> => {
    const text = await readFile(logFile, 'utf8');
    return new Error(`the ${service} ${what}; its log ends with\n${text.slice(-logCharsShown)}`);
  };
  const ask = (path: string) => fetch(`http://127.0.0.1:${healthPort}${path}`);
  const readiness = async (): Promise<Readiness | null> => {
    const response = await ask('/readyz').catch(() => null);
    if (response === null) return null;
    const { checks } = (await response.json()) as Pick<Readiness, 'checks'>;
    return { ok: response.ok, checks };
  };
  const kill = async (): Promise<void> => {
    if (running()) child.kill('SIGKILL');
    await ended;
  };
  return {
    pid: child.pid ?? -1,
    readiness,
    async until(what, condition) {
      const over = async () => !running() || (await condition());
      await waitFor(over, { what: `the ${service} ${what}`, timeoutMs: waitTimeoutMs }).catch(
        async (error: unknown) => {
          throw await failed((error as Error).message);
        },
      );
      if (!running()) throw await failed('ended instead');
    },
    async during(milliseconds) {
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => void (timer = setTimeout(resolve, milliseconds)));
      await Promise.race([over, ended]);
      clearTimeout(timer);
      if (!running()) throw await failed('ended in the middle');
    },
    async metric(name) {
      const text = await (await ask('/metrics')).text();
      const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? ([0-9.e+]+)`, 'gm'))];
      if (values.length === 0) throw new Error(`the metrics of the ${service} do not tell ${name}`);
      return values.reduce((sum, [, value]) => sum + Number(value), 0);
    },
    async stop() {
      child.kill('SIGTERM');
      const giveUp = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      const how = await ended;
      clearTimeout(giveUp);
      if (how !== 0) throw await failed(`stopped with ${how} instead of 0`);
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

function foreignEnvironment(): Record<string, string | undefined> {
  const ours = (name: string) => name.startsWith('POSTRIDER_') || name.startsWith('OTEL_');
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours(name)));
}
