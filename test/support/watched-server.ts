import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { waitFor } from './wait-for.ts';

/** A server program that does not outlive this process. */
export interface WatchedServer {
  /** Of the present process, or of the last one. */
  readonly pid: number;
  /** It hangs: connections stay, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** It is gone, and refuses connections. */
  kill(): Promise<void>;
  /** It is there again after `kill`, told the same. */
  restart(): Promise<void>;
}

/** What is started. */
export interface ServerProgram {
  readonly program: string;
  readonly args: readonly string[];
  /** For messages. */
  readonly name: string;
  /** Whether it answers. */
  readonly ready: () => Promise<boolean>;
  readonly timeoutMs: number;
}

/** Starts a server and waits until it answers. */
export async function startWatched(what: ServerProgram): Promise<WatchedServer> {
  let { pid, kill } = await launch(what);
  return {
    get pid() {
      return pid;
    },
    freeze: () => void process.kill(pid, 'SIGSTOP'),
    thaw: () => void process.kill(pid, 'SIGCONT'),
    kill: () => kill(),
    async restart() {
      ({ pid, kill } = await launch(what));
    },
  };
}

/** The shell ends the server when its input closes, which it does when this process is gone, however it went. */
const watched = '"$@" >/dev/null & echo $!; cat >/dev/null; kill -9 $!; wait 2>/dev/null';

async function launch({ program, args, name, ready, timeoutMs }: ServerProgram) {
  const shell = spawn('sh', ['-c', watched, 'sh', program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = once(shell, 'close');
  const [said] = (await once(shell.stdout, 'data')) as [Buffer];
  shell.stdout.resume();
  const kill = async (): Promise<void> => {
    shell.stdin.end();
    await gone;
  };
  try {
    await waitFor(ready, { what: `${name} to answer`, timeoutMs });
  } catch (error) {
    await kill();
    throw error;
  }
  return { pid: Number(said.toString()), kill };
}
