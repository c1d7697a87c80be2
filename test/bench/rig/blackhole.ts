import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';

/** An address that connections to get no answer from, not even that they are refused. */
export interface Blackhole extends AsyncDisposable {
  readonly port: number;
}

const FILLERS = 8;
const ANSWER_MS = 500;

/** Starts `blackhole-process.ts`, stops it, and fills it up. Rejects when connections are answered in spite of that. */
export async function startBlackhole(): Promise<Blackhole> {
  const child = fork(join(import.meta.dirname, 'blackhole-process.ts'));
  const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }];
  child.kill('SIGSTOP');
  const sockets: Socket[] = [];
  let answered = true;
  for (let count = 0; count < FILLERS && answered; count += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    answered = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise<false>((resolve) => void setTimeout(resolve, ANSWER_MS, false)),
    ]);
  }
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  if (answered) {
    await close();
    throw new Error(`connections to port ${port} are answered although nobody takes them`);
  }
  return { port, [Symbol.asyncDispose]: close };
}
