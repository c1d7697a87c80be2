import type { Clock } from '@postrider/core';
import type { Client, Dispatcher } from 'undici';
import type { Deadlines, Watched } from './deadlines.ts';
import type { Channel, EndpointSockets } from './endpoint-sockets.ts';
import { exchangeFailure, type EgressError } from './failure.ts';
import type { EgressLimits } from './limits.ts';
import { noteAnswer } from './pools/pool.ts';
import { isWellFormed, type EgressRequest } from './request.ts';
import type { EgressFailure, EgressResponse, EgressResult, EgressTimings, FailureCause } from './result.ts';
import { readHeaders } from './response-headers.ts';

type Controller = Dispatcher.DispatchController;

/** What an exchange needs from the door it goes through. */
export interface ExchangeHost {
  readonly clock: Clock;
  readonly limits: EgressLimits;
  readonly deadlines: Deadlines;
  /**
   * The exchange is over; told before its caller is. `reusable`: its channel may carry the next one at once. Otherwise
   * the connection is broken, the client still has the request, or the framing is in doubt: the channel must go.
   */
  ended(exchange: Exchange, reusable: boolean): void;
  /** It failed: what the caller is to be told of it, now or as soon as that is known. */
  failed(exchange: Exchange, failure: EgressFailure, tell: (failure: EgressFailure) => void): void;
}

/** Slow exchanges are looked at this often for bytes beyond their limit. Most end before the first look. */
const checkEveryMs = 100;
/** What was sent last counts as unsent for a moment longer, over TLS always. */
const unsentBytesMax = 64 * 1_024;
const noBytes = Buffer.alloc(0);
const doubtfulFraming: FailureCause = {
  code: 'protocol_error',
  owner: 'endpoint',
  message: 'the answer does not say where it ends',
};
const malformed: FailureCause = {
  code: 'internal',
  owner: 'ours',
  message: 'the request could not be made: its path or a header is malformed',
};
const tooManyBytes: FailureCause = {
  code: 'protocol_error',
  owner: 'endpoint',
  message: 'too many bytes and no complete answer',
};

/**
 * One request on its way, from `send` to its single result: the handler the client calls, and what its deadline
 * watches. A class, because one is made per request and its methods are called by the client.
 *
 * States: queued → given to a client (`channel`) → handed to a socket (`handedAt`) → status known → over. Any state may go
 * straight to over. What the client says afterwards is ignored.
 */
export class Exchange implements Dispatcher.DispatchHandler, Watched {
  place: Watched['place'] = null;
  previous: Watched | null = null;
  next: Watched | null = null;
  due = Infinity;

  endpoint: EndpointSockets;
  channel: Channel | null = null;
  over = false;
  /** While the client is given the request: it may call back at once, but `done` must not be called before `send` ends. */
  private starting = false;
  readonly request: EgressRequest;
  readonly deadline: number;
  private readonly host: ExchangeHost;
  private readonly done: (result: EgressResult) => void;
  private readonly startedAt: number;
  private handedAt = -1;
  private firstByteAt = -1;
  private connectMs: number | undefined;
  private bytesReadBefore = 0;
  private interim = false;
  private status = 0;
  private rawHeaders: readonly unknown[] = [];
  private excerpt = noBytes;
  private bodyBytes = 0;

  constructor(
    request: EgressRequest,
    endpoint: EndpointSockets,
    host: ExchangeHost,
    done: (result: EgressResult) => void,
  ) {
    const { totalMinMs, totalMaxMs } = host.limits;
    this.request = request;
    this.endpoint = endpoint;
    this.host = host;
    this.done = done;
    this.startedAt = host.clock.monotonic();
    this.deadline = this.startedAt + Math.min(Math.max(request.totalDeadlineMs, totalMinMs), totalMaxMs);
    host.deadlines.watch(this, Math.min(this.deadline, this.startedAt + checkEveryMs));
  }

  /** A socket has had it: its name and its way were there. */
  get isHanded(): boolean {
    return this.handedAt >= 0;
  }

  /** Gives the request to the channel's client as soon as there is one; it calls back. */
  start(endpoint: EndpointSockets, channel: Channel): void {
    channel.exchange = this;
    this.endpoint = endpoint;
    this.channel = channel;
    if (channel.client !== null) return this.dispatch(channel.client);
    // The client would say so only once it has a connection: until then it looked like the endpoint's fault.
    if (!isWellFormed(this.request)) return this.refuse();
    // Of this exchange nothing is named: a connection outlives by far who asked for it, and making one may outlive him too.
    channel.open((error) => channel.exchange?.opened(error));
  }

  private opened(error: EgressError | null): void {
    if (this.over) return;
    if (error === null) this.dispatch(this.channel?.client as Client);
    else this.giveUp(error.failure);
  }

  private refuse(): void {
    this.starting = true;
    this.giveUp(malformed);
    this.starting = false;
  }

  private dispatch(client: Client): void {
    const { method = 'POST', path, headers, body } = this.request;
    this.starting = true;
    // Never throws: what the client does not accept it reports to the handler.
    client.dispatch({ method, path, headers: headers as string[], body }, this);
    this.starting = false;
  }

  onRequestStart(controller: Controller): void {
    const { channel } = this;
    // Given up while the connection was made, or stopped at the last moment: aborting here keeps it from being written.
    if (this.over || channel === null) return controller.abort(new Error('over'));
    if (this.request.mayStart?.() === false) {
      this.fail({ code: 'aborted', owner: 'shutdown', message: 'no request may be started any more' });
      return controller.abort(new Error('over'));
    }
    this.handedAt = this.host.clock.monotonic();
    this.connectMs = channel.connectMs;
    channel.connectMs = undefined;
    this.bytesReadBefore = channel.socket?.bytesRead ?? 0;
  }

  onResponseStart(controller: Controller, status: number): void {
    if (this.over) return;
    if (status < 200) return this.onInterim(controller);
    this.status = status;
    this.firstByteAt = this.host.clock.monotonic();
    const way = this.channel?.from?.way;
    if (way?.proxy !== undefined) noteAnswer(way, this.firstByteAt);
    this.rawHeaders = Array.isArray(controller.rawHeaders) ? controller.rawHeaders : [];
  }

  /** An endpoint that gives interim answers (103) is at work: it has until the total deadline, and no more bytes than others. */
  private onInterim(controller: Controller): void {
    this.interim = true;
    if (this.bytesRead() <= this.host.limits.responseWireBytes) return;
    this.giveUp(tooManyBytes);
    controller.abort(new Error('over'));
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (this.over) return;
    const { responseExcerptBytes, responseBodyBytes } = this.host.limits;
    const room = (this.request.excerptBytes ?? responseExcerptBytes) - this.excerpt.length;
    // Copied: a slice would keep the whole read buffer of the socket alive.
    if (room > 0 && this.excerpt.length === 0) this.excerpt = Buffer.from(chunk.subarray(0, room));
    else if (room > 0) this.excerpt = Buffer.concat([this.excerpt, chunk.subarray(0, room)]);
    this.bodyBytes += chunk.length;
    if (this.bodyBytes > responseBodyBytes) this.respond('longer than read');
  }

  onResponseEnd(): void {
    if (!this.over) this.respond('whole');
  }

  onResponseError(_controller: Controller | null, error: Error): void {
    if (this.over) return;
    this.giveUp(exchangeFailure(error));
  }

  checkAt(now: number): void {
    if (this.over) return;
    const { headersMs, responseWireBytes } = this.host.limits;
    const waitsForHeaders = this.status === 0 && this.handedAt >= 0 && !this.interim;
    const headersDue = waitsForHeaders ? this.handedAt + headersMs : Infinity;
    if (this.bytesRead() > responseWireBytes) return this.giveUp(tooManyBytes);
    if (now >= this.deadline) {
      const allowed = Math.round(this.deadline - this.startedAt);
      return this.giveUp({ code: 'total_timeout', owner: 'endpoint', message: `not over after ${allowed} ms` });
    }
    if (now >= headersDue) {
      return this.giveUp({
        code: 'headers_timeout',
        owner: 'endpoint',
        message: `no complete headers within ${headersMs} ms`,
      });
    }
    this.host.deadlines.watch(this, Math.min(this.deadline, headersDue, now + checkEveryMs));
  }

  /** Of this exchange, whatever they are. */
  private bytesRead(): number {
    return this.handedAt < 0 ? 0 : (this.channel?.socket?.bytesRead ?? 0) - this.bytesReadBefore;
  }

  /** Ends it now: with the answer if its status is known, else with `cause`. */
  giveUp(cause: FailureCause): void {
    if (this.over) return;
    if (this.status !== 0) this.respond('broken off');
    else this.fail(cause);
  }

  private fail(cause: FailureCause): void {
    const sourceAddress = this.handedAt < 0 ? '' : (this.channel?.sourceAddress ?? '');
    const from = sourceAddress === '' ? {} : { sourceAddress };
    this.finish({ kind: 'failure', ...cause, ...from, timings: this.timings() }, false);
  }

  private respond(body: 'whole' | 'longer than read' | 'broken off'): void {
    const { headers, retryAfter, contentLength, framingInDoubt } = readHeaders(this.rawHeaders);
    if (framingInDoubt) return this.fail(doubtfulFraming);
    const result: EgressResponse = {
      kind: 'response',
      status: this.status,
      headers,
      excerpt: this.excerpt,
      bodyTruncated: body === 'broken off' || (body === 'longer than read' && contentLength === undefined),
      excerptTruncated: body !== 'whole' || this.bodyBytes > this.excerpt.length,
      timings: this.timings(),
      sourceAddress: this.channel?.sourceAddress ?? '',
      remoteAddress: this.channel?.remoteAddress ?? '',
    };
    this.finish(retryAfter === undefined ? result : { ...result, retryAfter }, body === 'whole' && this.isSent());
  }

  /** Whether so little of the request is left to send, if anything, that the next one need not wait for it. */
  private isSent(): boolean {
    return (this.channel?.socket?.writableLength ?? 0) <= unsentBytesMax;
  }

  private timings(): EgressTimings {
    const { startedAt, firstByteAt, connectMs } = this;
    const totalMs = this.host.clock.monotonic() - startedAt;
    const connect = connectMs === undefined ? undefined : { connectMs };
    // One shape for nearly all: an answer over a connection that was there.
    return firstByteAt < 0 ? { totalMs, ...connect } : { firstByteMs: firstByteAt - startedAt, totalMs, ...connect };
  }

  private finish(result: EgressResult, reusable: boolean): void {
    this.over = true;
    this.host.deadlines.forget(this);
    this.host.ended(this, reusable);
    if (this.starting) queueMicrotask(() => this.tell(result));
    else this.tell(result);
  }

  private tell(result: EgressResult): void {
    try {
      if (result.kind === 'response') this.done(result);
      else this.host.failed(this, result, this.done);
    } catch (error) {
      // The client would take the caller's bug for a broken response.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
