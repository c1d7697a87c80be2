/**
 * # The one door to tenants' endpoints
 *
 * ## Motivation
 *
 * A tenant tells us a URL and we send requests to it from inside our network. That is the definition of server-side
 * request forgery, and it is our product. The tenant, the name server of the URL and the endpoint must all be taken for
 * hostile: the URL may spell `127.0.0.1` in forty ways, the name may resolve to a public address when it is checked and
 * to a metadata service when it is used, and the endpoint may answer with a redirect inwards, an endless header, a byte
 * a second for ever, an answer to a question nobody asked, or ten megabytes that inflate to ten gigabytes. The HTTP
 * client below us does not protect from that, and says so: it trusts names, networks and servers.
 *
 * So everything that fetches a tenant's URL goes through this package, and only this package may import the client.
 *
 * ## Theory of operation
 *
 * 1. **The URL** is judged as text (`url-rule.ts`), by the control plane when it is stored and here again when a
 *    connection pool is made for it.
 * 2. **The connection** is where addresses are checked (`guarded-connect.ts`), for literals and for names alike: resolve
 *    once, judge every address by its bytes (`address.ts`), dial exactly what was judged, compare the peer, and only then
 *    speak TLS with the name of the URL. There is no switch to turn this off; an operator can open private ranges, and a
 *    laptop loopback.
 * 3. **Sockets** belong to one endpoint (`endpoint-sockets.ts`) and carry one exchange at a time. HTTP/1.1 only, no
 *    pipelining, no redirects, no proxy from the environment, no decompression.
 * 4. **Time and size** are bounded in total, not between bytes (`deadlines.ts`, `exchange.ts`): a drip that never pauses
 *    long enough to be idle ends at the deadline like silence does.
 * 5. **The result** is data and always comes, exactly once (`result.ts`): an answer, whose status decides even if its
 *    body broke off, or a failure with a stable code and an owner. What the client throws at us because of what an
 *    endpoint sent, assertions included, is that endpoint's failure.
 */
import type { Clock } from '@postrider/core';
import { createDeadlines } from './deadlines.ts';
import { createEndpointSockets, openChannel, type Channel, type EndpointSockets } from './endpoint-sockets.ts';
import { Exchange, type ExchangeHost } from './exchange.ts';
import type { ConnectDependencies } from './guarded-connect.ts';
import { defaultLimits, type EgressLimits } from './limits.ts';
import type { AddressPolicy } from './policy.ts';
import { reservedHeaderIn, type EgressRequest } from './request.ts';
import { systemResolve, type Resolve } from './resolve.ts';
import type { EgressResult, FailureCause } from './result.ts';
import { judgeUrl } from './url-rule.ts';

export interface EgressOptions {
  readonly policy: AddressPolicy;
  readonly clock: Clock;
  /** Default: the machine's name servers, asked directly. */
  readonly resolve?: Resolve;
  readonly limits?: Partial<EgressLimits>;
  /** Certificates trusted besides the built-in ones; PEM. */
  readonly ca?: readonly (string | Buffer)[];
  /** For tests: opens the TCP connection to an address that passed the guard. */
  readonly dial?: ConnectDependencies['dial'];
}

export interface Egress {
  /** Sends one request. `done` is called exactly once with its result, never before `send` returns. */
  send(request: EgressRequest, done: (result: EgressResult) => void): void;
  /** Requests that have no result yet. */
  inFlight(): number;
  /**
   * Refuses further requests, lets those in flight end for up to `graceMs`, gives up the rest (`aborted`, a shutdown's
   * doing) and closes all sockets.
   */
  close(options: { readonly graceMs: number }): Promise<void>;
}

/** Opens the door. */
export function createEgress(options: EgressOptions): Egress {
  const { policy, clock } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const deps: ConnectDependencies = {
    policy,
    clock,
    limits,
    resolve: options.resolve ?? systemResolve(limits.resolveMs),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(options.dial === undefined ? {} : { dial: options.dial }),
  };
  /** By pool key, the longest unused first. */
  const endpoints = new Map<string, EndpointSockets>();
  /** Out of use, but with exchanges that are not over. */
  const retired = new Set<EndpointSockets>();
  const closings = new Set<Promise<void>>();
  let channels = 0;
  let inFlight = 0;
  let closing = false;
  let drained: (() => void) | undefined;

  const host: ExchangeHost = { clock, limits, deadlines: createDeadlines(clock), ended };

  function send(request: EgressRequest, done: (result: EgressResult) => void): void {
    const refused = refusal(request);
    if (refused !== undefined) {
      return queueMicrotask(() => done({ kind: 'failure', ...refused, timings: { totalMs: 0 } }));
    }
    const endpoint = endpointOf(request);
    if (endpoint === undefined) {
      const cause: FailureCause = { code: 'blocked_url', owner: 'endpoint', message: 'the URL is not allowed' };
      return queueMicrotask(() => done({ kind: 'failure', ...cause, timings: { totalMs: 0 } }));
    }
    inFlight++;
    endpoint.queue.push(new Exchange(request, host, done));
    startNext(endpoint);
  }

  function refusal(request: EgressRequest): FailureCause | undefined {
    if (closing) return { code: 'aborted', owner: 'shutdown', message: 'no request may be started any more' };
    const name = reservedHeaderIn(request.headers);
    if (name !== undefined)
      return { code: 'internal', owner: 'ours', message: `the request header ${name} is reserved` };
    return undefined;
  }

  /** The sockets of the request's endpoint; `undefined` if its origin is not allowed. */
  function endpointOf(request: EgressRequest): EndpointSockets | undefined {
    let endpoint = endpoints.get(request.poolKey);
    if (endpoint !== undefined && endpoint.origin !== request.origin) {
      // Its URL has changed. What is on its way to the old one ends there.
      retire(endpoint);
      endpoint = undefined;
    }
    if (endpoint === undefined) {
      if (judgeUrl(`${request.origin}/`, policy).verdict === 'deny') return undefined;
      endpoint = createEndpointSockets(request.poolKey, request.origin);
      endpoints.set(request.poolKey, endpoint);
      evict(endpoint);
    } else if (endpoint.channels.size === endpoint.idle.length && endpoints.size * 2 > limits.endpointsMax) {
      // Only near the limit does it matter who was used last.
      endpoints.delete(request.poolKey);
      endpoints.set(request.poolKey, endpoint);
    }
    endpoint.maxSockets = request.maxSockets;
    return endpoint;
  }

  function startNext(endpoint: EndpointSockets): void {
    while (endpoint.queue.length > 0) {
      let channel = endpoint.idle.pop();
      if (channel === undefined) {
        if (endpoint.channels.size >= endpoint.maxSockets) return;
        if (channels >= limits.socketsMax) evict(endpoint);
        channel = openChannel(endpoint, deps);
        channels++;
      }
      const exchange = endpoint.queue.shift() as Exchange;
      if (exchange.over) {
        endpoint.idle.push(channel);
        continue;
      }
      start(endpoint, channel, exchange);
    }
  }

  function start(endpoint: EndpointSockets, channel: Channel, exchange: Exchange): void {
    channel.exchange = exchange;
    exchange.channel = channel;
    exchange.endpoint = endpoint;
    const { path, headers, body } = exchange.request;
    exchange.starting = true;
    // Never throws: the client reports what it does not accept to the handler.
    channel.client.dispatch({ method: 'POST', path, headers: headers as string[], body }, exchange);
    exchange.starting = false;
  }

  function ended(exchange: Exchange, reusable: boolean): void {
    inFlight--;
    if (inFlight === 0) drained?.();
    const { channel, endpoint } = exchange;
    // Ended in the queue: its place there is skipped when its turn comes.
    if (channel === null || endpoint === null) return;
    channel.exchange = null;
    if (reusable && endpoints.get(endpoint.key) === endpoint) {
      endpoint.idle.push(channel);
      if (endpoint.queue.length > 0) startNext(endpoint);
      return;
    }
    // Not from inside one of the client's own calls.
    queueMicrotask(() => {
      discard(endpoint, channel);
      startNext(endpoint);
      if (endpoint.channels.size === 0) retired.delete(endpoint);
    });
  }

  function discard(endpoint: EndpointSockets, channel: Channel): void {
    endpoint.channels.delete(channel);
    channels--;
    const closed = channel.client
      .destroy(null)
      .catch(() => {})
      .then(() => void closings.delete(closed));
    closings.add(closed);
  }

  /** Takes the endpoint out of use: unused connections go now, the others when their exchange is over. */
  function retire(endpoint: EndpointSockets): void {
    endpoints.delete(endpoint.key);
    for (const channel of endpoint.idle.splice(0)) discard(endpoint, channel);
    if (endpoint.channels.size > 0) retired.add(endpoint);
  }

  /** Makes room by closing the connections of endpoints that have nothing to do, the longest unused first. */
  function evict(keep: EndpointSockets): void {
    for (const endpoint of endpoints.values()) {
      if (endpoints.size <= limits.endpointsMax && channels < limits.socketsMax) return;
      if (endpoint !== keep && endpoint.channels.size === endpoint.idle.length && endpoint.queue.length === 0)
        retire(endpoint);
    }
  }

  async function close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    closing = true;
    if (inFlight > 0) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(graceMs, resolve);
        drained = () => {
          cancel();
          resolve();
        };
      });
    }
    const cause: FailureCause = { code: 'aborted', owner: 'shutdown', message: 'given up at the end of the shutdown' };
    for (const endpoint of [...endpoints.values(), ...retired]) {
      for (const exchange of endpoint.queue.splice(0)) exchange.giveUp(cause);
      for (const channel of [...endpoint.channels]) channel.exchange?.giveUp(cause);
      retire(endpoint);
    }
    // What was given up just now is discarded a moment later.
    await Promise.resolve();
    await Promise.all(closings);
  }

  return { send, inFlight: () => inFlight, close };
}
