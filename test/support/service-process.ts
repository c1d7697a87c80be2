import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Plant } from './plant.ts';
import { imageEnvironment } from './image-environment.ts';
import { waitFor } from './wait-for.ts';

const root = join(import.meta.dirname, '../..');
const readyTimeoutMs = 120_000;
const logCharsMax = 16 * 1024 * 1024;

/** A service of Postrider as a process of its own, started from its main file as an operator would. */
export interface ServiceProcess extends AsyncDisposable {
  readonly name: string;
  /** What it serves its health on. */
  readonly healthUrl: string;
  /** Of the present process, or of the last one. */
  readonly pid: number;
  readonly running: boolean;
  /** Everything that all its processes have printed so far. */
  readonly log: string;
  /** Sends the signal and waits until the process is gone. Gives the time at which it surely was (ms since the Unix epoch). */
  kill(signal: NodeJS.Signals): Promise<number>;
  /** Sends a signal that does not end it: `SIGSTOP`, `SIGCONT`. */
  signal(signal: NodeJS.Signals): void;
  /** Starts it again, with other options if there are any, without waiting for it to be ready. It must have been killed. */
  restart(options?: StartOptions): void;
  /** Resolves when `/readyz` says so; rejects, with the end of its log, when the process ends instead. */
  ready(): Promise<void>;
}

/** How one process of a service starts. */
export interface StartOptions {
  /** A mistake, or several, planted in its code. */
  readonly plant?: Plant | readonly Plant[];
}

/** Starts `node services/<service>/src/main.ts`; of this process's environment it gets nothing that is Postrider's. */
export function startService(
  service: string,
  env: Readonly<Record<string, string>>,
  options: StartOptions = {},
  /** By what logs and tests call it. */
  name = service,
): ServiceProcess {
  const healthUrl = `http://127.0.0.1:${env['POSTRIDER_HEALTH_PORT']}`;
  let log = '';
  const keep = (text: string) => {
    log = (log + text).slice(-logCharsMax);
  };
  let child = launch(service, env, options, keep);
  const running = () => child.exitCode === null && child.signalCode === null;
  const kill = async (signal: NodeJS.Signals): Promise<number> => {
    if (running()) {
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    }
    return Date.now();
  };
  return {
    name,
    healthUrl,
    get pid() {
      return child.pid ?? -1;
    },
    get running() {
      return running();
    },
    get log() {
      return log;
    },
    kill,
    signal: (signal) => void child.kill(signal),
    restart(next = {}) {
      if (running()) throw new Error(`${name} is still running`);
      child = launch(service, env, next, keep);
    },
    async ready() {
      const url = `${healthUrl}/readyz`;
      const answered = await waitFor(async () => !running() || (await fetch(url).catch(() => null))?.ok === true, {
        what: `${name} to be ready`,
        timeoutMs: readyTimeoutMs,
      }).catch((error: unknown) => error as Error);
      if (answered === true && running()) return;
      throw new Error(`${name} did not become ready; its log ends with\n${log.slice(-4_000)}`);
    },
    [Symbol.asyncDispose]: async () => void (await kill('SIGKILL')),
  };
}

function launch(
  service: string,
  env: Readonly<Record<string, string>>,
  { plant }: StartOptions,
  keep: (text: string) => void,
): ChildProcess {
  const preload = (file: string) => ['--import', join(import.meta.dirname, file)];
  const child = spawn(
    process.execPath,
    [
      ...preload('end-with-parent.ts'),
      ...(plant === undefined ? [] : preload('plant.ts')),
      join(root, 'services', service, 'src/main.ts'),
    ],
    {
      cwd: root,
      env: {
        ...foreignEnvironment(),
        ...imageEnvironment,
        ...env,
        ...(plant === undefined ? {} : { POSTRIDER_TEST_PLANT: JSON.stringify(plant) }),
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', keep);
  return child;
}

function foreignEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('POSTRIDER_')));
}
