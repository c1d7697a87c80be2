/**
 * All endpoints of a bench: `/e<n>` each, answering 200 at once unless told to behave otherwise. It keeps when each request
 * was to be sent and when its first bytes arrived. Told what to do over IPC; each message is answered with one.
 */
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { ownCpuMicroseconds } from '../proc-stat.ts';
import { readRequests } from '../request-reader.ts';
import { ArrivalLog } from './arrivals.ts';
import { monotonicMs } from './monotonic.ts';
import { STAMP_BYTES, stampOf } from './timed-body.ts';
import type { Behaviour, SinkCommand, SinkCounts } from './timed-sink.ts';

const well: Behaviour = { kind: 'answer', status: 200, delayMs: 0 };
const behaviours = new Map<number, Behaviour>();
const answers = new Map<number, Buffer>();
const log = new ArrivalLog();
let requests = 0;
let connections = 0;
let unstamped = 0;

function serve(socket: Socket): void {
  let endpoint = -1;
  connections += 1;
  socket.on('close', () => {
    connections -= 1;
  });
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  readRequests(
    socket,
    {
      began(head, bodyStart) {
        endpoint = Number(/^POST \/e(\d+)/.exec(head)?.[1] ?? -1);
        const stamp = stampOf(bodyStart);
        requests += 1;
        if (stamp === null) return void (unstamped += 1);
        const { at: intendedAt, stream, number } = stamp;
        const behaviour = behaviours.get(endpoint) ?? well;
        const status = behaviour.kind === 'hang' ? 0 : behaviour.status;
        log.push({ intendedAt, arrivedAt: monotonicMs(), stream, number, endpoint, status });
      },
      ended: () => answer(socket, behaviours.get(endpoint) ?? well),
    },
    STAMP_BYTES,
  );
}

function answer(socket: Socket, behaviour: Behaviour): void {
  if (behaviour.kind === 'hang') return;
  const text = answerOf(behaviour.status);
  if (behaviour.delayMs === 0) socket.write(text);
  else setTimeout(() => socket.write(text), behaviour.delayMs);
}

function answerOf(status: number): Buffer {
  let text = answers.get(status);
  if (text === undefined) {
    const head = `HTTP/1.1 ${status} Told\r\ncontent-length: 0\r\nkeep-alive: timeout=60\r\nconnection: keep-alive`;
    answers.set(status, (text = Buffer.from(`${head}\r\n\r\n`)));
  }
  return text;
}

function counts(): SinkCounts {
  return { requests, unstamped, connections, kept: log.length, cpuUs: ownCpuMicroseconds() };
}

process.on('message', (command: SinkCommand) => {
  if (command.kind === 'behave') for (const endpoint of command.endpoints) behaviours.set(endpoint, command.behaviour);
  process.send?.(command.kind === 'take' ? log.take() : counts());
});
process.on('disconnect', () => process.exit(0));

const server = createServer(serve);
server.listen(0, '127.0.0.1', 4_096, () => process.send?.({ port: (server.address() as AddressInfo).port }));
