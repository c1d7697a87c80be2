import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { parseAddress } from '../address.ts';
import { EgressError } from '../failure.ts';
import type { Secret } from '@postrider/core';
import type { ProxyDefinition } from './definition.ts';

/** What became of the way through a proxy. */
export type Tunnelled = (error: EgressError | null, socket?: Socket) => void;

/** What a tunnel is asked for. */
export interface TunnelOptions {
  readonly proxy: ProxyDefinition;
  /** One that passed the guard. */
  readonly address: string;
  readonly port: number;
  readonly track: Track;
  /** The proxy answered with this status. */
  readonly onAnswer: (status: number) => void;
}

/** A tunnel that is being made. */
export interface Tunnel {
  /** What it means that it takes too long, now. */
  late(): EgressError;
}

/** Called with every socket that is opened, so that it can be closed when nobody waits any more. */
type Track = (socket: Socket) => void;

/** Bytes of an answer to CONNECT, up to its empty line. */
const answerBytesMax = 16 * 1024;
const END_OF_HEAD = '\r\n\r\n';

/**
 * Asks `proxy` for a tunnel to an address that passed the guard. The proxy is given the address and not the name: so it
 * has nothing to resolve, and no answer of its resolver can lead elsewhere. What it answers besides its status, the body
 * above all, is told to nobody.
 *
 * Whose fault a failure is: whatever happens before the proxy has answered is the proxy's. Of its answers only those lay it
 * at the endpoint's door that say so (`blameOf`).
 */
export function openTunnel({ proxy, address, port, track, onAnswer }: TunnelOptions, done: Tunnelled): Tunnel {
  let asked = false;
  reachProxy(proxy, track, (error, socket) => {
    if (socket === undefined) return done(error);
    asked = true;
    const target = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    socket.write(connectRequest(target, proxy.credentials?.authorization), 'latin1');
    readAnswer(socket, (answer) => {
      const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |\r)/.exec(answer ?? '')?.[1] ?? 0);
      if (answer === null || status === 0) {
        return done(new EgressError('proxy_error', 'ours', 'the forward proxy hung up or answered what is not HTTP'));
      }
      onAnswer(status);
      const failure = failureOf(status, answer);
      done(failure, failure === null ? socket : undefined);
    });
  });
  return {
    late: () =>
      asked
        ? new EgressError('proxy_timeout', 'ours', 'the forward proxy gave no answer in time')
        : new EgressError('proxy_unavailable', 'ours', 'the forward proxy cannot be reached in time'),
  };
}

/** Opens a connection to the proxy itself: the operator's own, so no guard stands before it. */
export function reachProxy({ hostname, port, tls, ca }: ProxyDefinition, track: Track, done: Tunnelled): void {
  const isLiteral = parseAddress(hostname) !== undefined;
  const socket = tls
    ? connectTls({
        ...{ host: hostname, port, minVersion: 'TLSv1.2', rejectUnauthorized: true },
        ...(isLiteral ? {} : { servername: hostname }),
        ...(ca === undefined ? {} : { ca }),
      })
    : connectTcp({ host: hostname, port });
  track(socket);
  const failed = (error?: Error): void =>
    done(new EgressError('proxy_unavailable', 'ours', 'the forward proxy cannot be reached', { cause: error }));
  socket.once('error', failed);
  socket.once('close', failed);
  socket.once(tls ? 'secureConnect' : 'connect', () => {
    socket.off('error', failed);
    socket.off('close', failed);
    done(null, socket);
  });
}

function connectRequest(target: string, authorization: Secret | undefined): string {
  const credentials = authorization === undefined ? '' : `proxy-authorization: ${authorization.reveal()}\r\n`;
  return `CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${credentials}\r\n`;
}

/** The head of the answer, with whatever came right behind it; null when the proxy hung up, or sent what is none. */
function readAnswer(socket: Socket, done: (answer: string | null) => void): void {
  let text = '';
  const end = (answer: string | null): void => {
    for (const event of ['error', 'close', 'end']) socket.off(event, gone);
    socket.off('readable', read);
    done(answer);
  };
  const gone = (): void => end(null);
  // Not `data`, which would let what comes next pass by unread.
  const read = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      text += chunk.toString('latin1');
      if (text.includes(END_OF_HEAD)) return end(text);
      if (text.length > answerBytesMax) return end(null);
    }
  };
  socket.on('readable', read);
  for (const event of ['error', 'close', 'end']) socket.on(event, gone);
}

function failureOf(status: number, answer: string): EgressError | null {
  if (status < 200 || status > 299) return refusal(status, answer);
  // Nothing was asked yet: who speaks first is no HTTP server, and its bytes would be taken for the answer to our request.
  if (answer.indexOf(END_OF_HEAD) + END_OF_HEAD.length === answer.length) return null;
  return new EgressError('protocol_error', 'endpoint', 'the endpoint spoke before it was asked');
}

function refusal(status: number, answer: string): EgressError {
  if (status === 407) return new EgressError('proxy_auth', 'ours', 'the forward proxy does not accept its credentials');
  const blamed = blameOf(answer);
  if (blamed !== null) return blamed;
  if (status < 500)
    return new EgressError('proxy_denied', 'ours', `the forward proxy denied the connection (${status})`);
  return new EgressError('proxy_error', 'ours', `the forward proxy failed (${status})`);
}

/**
 * A proxy may say what went wrong beyond it, by `Proxy-Status` (RFC 9209 §2.3) or, as squid does, by `X-Squid-Error`. Null:
 * it does not say that it was the endpoint. No route is none of the endpoint's doing: it is the proxy's network that has it.
 */
function blameOf(answer: string): EgressError | null {
  const head = answer.slice(0, answer.indexOf(END_OF_HEAD));
  const said = /^(?:proxy-status:.*[;,]\s*error="?|x-squid-error:\s*)([a-z_]+(?: \d+)?)/im.exec(head)?.[1] ?? '';
  if (timedOut.has(said))
    return new EgressError('connect_timeout', 'endpoint', 'no connection in time, as the forward proxy says');
  if (!refused.has(said)) return null;
  const message = 'the endpoint refused the connection, as the forward proxy says';
  return new EgressError('connection_refused', 'endpoint', message);
}

/** Squid writes what the system said, by the numbers of Linux: ETIMEDOUT, ECONNREFUSED. */
const timedOut = new Set(['connection_timeout', 'ERR_CONNECT_FAIL 110']);
const refused = new Set(['connection_refused', 'destination_unavailable', 'ERR_CONNECT_FAIL 111']);
