/**
 * A TCP proxy that breaks as a test tells it: it stands between a process and a broker, a Redis or a receiver. Both ends are
 * on loopback. In front of a broker it can tell the answers apart and lose, hold or change single ones.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createFaultLane, type FaultLane, type Travel } from './fault-lane.ts';
import { createFrameSplitter, readCorrelationId, readRequestHeader } from './kafka-frames.ts';
import type { KafkaAnswer, KafkaFrame } from './kafka-frames.ts';

/** What becomes of one answer of a broker: `hold` keeps it until the fault ends, a frame goes out in its place. */
export type AnswerVerdict = 'pass' | 'hold' | 'lose' | KafkaFrame;

/** What a proxy does to connections, those that stand and those to come. */
export type Fault =
  | { readonly kind: 'none' }
  /** Every byte takes its time: `latencyMs` on the way back, `bytesPerSecond` both ways on each connection. */
  | { readonly kind: 'slow'; readonly latencyMs: number; readonly bytesPerSecond: number }
  /** Connections are reset, and new ones, too. */
  | { readonly kind: 'down' }
  /** Nothing passes and nobody is told. What was sent meanwhile arrives when the fault ends. */
  | { readonly kind: 'blackhole' }
  /** Nothing that clients send passes, and nobody is told; what is on its way back does. */
  | { readonly kind: 'unheard' }
  /** Requests arrive, answers are lost. A connection that lost one is reset when the fault ends. */
  | { readonly kind: 'half-open' }
  /**
   * Answers of a broker are judged one by one: of all connections, or only of those that stand when the fault begins. Only
   * of a proxy that was opened with `kafka`.
   */
  | {
      readonly kind: 'answers';
      readonly judge: (answer: KafkaAnswer) => AnswerVerdict;
      readonly standingOnly?: boolean;
    };

export interface FaultProxyOptions {
  readonly targetPort: number;
  /** Default: any free one. */
  readonly port?: number;
  /** The target is a broker: frames are told apart. */
  readonly kafka?: boolean;
}

export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** From now on. What another fault held is let go. */
  set(fault: Fault): void;
  /** Resets the connections that stand; new ones are taken. */
  cut(): void;
  /** Connections that stand now. */
  readonly connections: number;
}

const host = '127.0.0.1';
const freely: Travel = { stopped: false, latencyMs: 0, bytesPerSecond: Infinity };

/** Opens a proxy that passes everything on. */
export async function openFaultProxy({ targetPort, port = 0, kafka = false }: FaultProxyOptions): Promise<FaultProxy> {
  let fault: Fault = { kind: 'none' };
  let opened = 0;
  const standing = new Set<Connection>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (fault.kind === 'down') {
      client.resetAndDestroy();
      return;
    }
    opened += 1;
    const connection = join({ client, targetPort, kafka, number: opened, fault: () => fault });
    standing.add(connection);
    connection.closed(() => standing.delete(connection));
  });
  server.listen(port, host);
  await once(server, 'listening');
  const cut = () => standing.forEach((connection) => connection.reset());
  return {
    port: (server.address() as { port: number }).port,
    set(next) {
      if (next.kind === 'answers' && !kafka) throw new TypeError('only a proxy of a broker can judge answers');
      fault = next;
      if (next.kind === 'answers' && next.standingOnly === true) {
        const last = opened;
        fault = { ...next, judge: (answer) => (answer.connection > last ? 'pass' : next.judge(answer)) };
      }
      if (next.kind === 'down') cut();
      else for (const connection of standing) connection.faultChanged();
    },
    cut,
    get connections() {
      return standing.size;
    },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Connection {
  faultChanged(): void;
  reset(): void;
  closed(listener: () => void): void;
}

interface JoinOptions {
  readonly client: Socket;
  readonly targetPort: number;
  readonly kafka: boolean;
  readonly number: number;
  readonly fault: () => Fault;
}

/** Joins a client's connection to one of its own to the target. */
function join({ client, targetPort, kafka, number, fault }: JoinOptions): Connection {
  const upstream = connect({ host, port: targetPort, allowHalfOpen: true, noDelay: true });
  const requests = createFaultLane(client, upstream, () => {
    const now = fault();
    return { ...travelOf(now), ...(now.kind === 'unheard' && { stopped: true }), latencyMs: 0 };
  });
  const answers = createFaultLane(upstream, client, () => travelOf(fault()));
  const judge = createJudge(answers, number, fault);
  const reset = () => {
    requests.close();
    answers.close();
    client.resetAndDestroy();
    upstream.resetAndDestroy();
  };
  if (kafka) {
    const splitRequests = createFrameSplitter((frame) => {
      judge.asked(frame);
      requests.send(frame);
    });
    client.on('data', splitRequests);
    upstream.on('data', createFrameSplitter(judge.answered));
  } else {
    client.on('data', (bytes: Buffer) => requests.send(bytes));
    upstream.on('data', judge.bytes);
  }
  // Nobody listens there: the client is told at once, as it would be without a proxy.
  const refused = () => reset();
  upstream.once('error', refused).once('connect', () => upstream.off('error', refused));
  tellEnd(client, requests);
  tellEnd(upstream, answers);
  let left = 2;
  const listeners: (() => void)[] = [];
  for (const socket of [client, upstream])
    socket.once('close', () => {
      left -= 1;
      if (left === 0) listeners.forEach((listener) => listener());
    });
  return {
    faultChanged() {
      if (judge.lost && fault().kind === 'none') {
        reset();
        return;
      }
      judge.release();
      requests.changed();
      answers.changed();
    },
    reset,
    closed: (listener) => void listeners.push(listener),
  };
}

function travelOf(fault: Fault): Travel {
  if (fault.kind === 'slow') return { ...fault, stopped: false };
  return fault.kind === 'blackhole' ? { ...freely, stopped: true } : freely;
}

/** However a socket ends, the other side hears of it when all that was sent before has arrived. */
function tellEnd(socket: Socket, lane: FaultLane): void {
  let told = false;
  const tell = () => {
    if (!told) lane.end();
    told = true;
  };
  socket.on('end', tell);
  socket.on('close', tell);
  socket.on('error', tell);
}

/** Decides over what comes back from the target. */
function createJudge(answers: FaultLane, connection: number, fault: () => Fault) {
  const asked = new Map<number, { readonly apiKey: number; readonly apiVersion: number }>();
  const held: KafkaFrame[] = [];
  let lost = false;
  const bytes = (chunk: Buffer) => {
    if (fault().kind === 'half-open') lost = true;
    else answers.send(chunk);
  };
  return {
    bytes,
    asked(frame: KafkaFrame) {
      const { correlationId, ...header } = readRequestHeader(frame);
      asked.set(correlationId, header);
    },
    answered(frame: KafkaFrame) {
      const id = readCorrelationId(frame);
      const request = asked.get(id);
      asked.delete(id);
      const now = fault();
      if (now.kind !== 'answers' || request === undefined) {
        bytes(frame);
        return;
      }
      const verdict = now.judge({ ...request, connection, frame });
      if (verdict === 'lose') return;
      if (verdict === 'hold') held.push(frame);
      else answers.send(verdict === 'pass' ? frame : verdict);
    },
    /** Lets go what was held, as far as the fault of now lets it. */
    release() {
      for (const frame of held.splice(0)) bytes(frame);
    },
    get lost() {
      return lost;
    },
  };
}
