import { ServerInterceptingCall, ServerListenerBuilder, status } from '@grpc/grpc-js';
import { serverLimits } from '../server-limits.ts';
import { createUnreadAnswers, type UnreadAnswers, type UnreadAnswersOptions } from './unread-answers.ts';
import type {
  Metadata,
  ServerInterceptingCallInterface,
  ServerInterceptor,
  ServerMethodDefinition,
  ServiceDefinition,
} from '@grpc/grpc-js';

export interface CallWatchOptions extends UnreadAnswersOptions {
  /** A call has come over the connection from this `address:port`. */
  readonly used: (peer: string) => void;
}

/** What is bounded of every call, whichever its method: how much it may say, how long it may take to, and how long its answer. */
export interface CallWatch {
  readonly interceptor: ServerInterceptor;
  /** A service whose answers are measured. */
  measured(service: ServiceDefinition): ServiceDefinition;
}

/** Watches calls where the library sets no bound. Metadata beyond its limit, and a request that does not arrive, end their call. */
export function createCallWatch(options: CallWatchOptions): CallWatch {
  const parts: WatchParts = { ...options, unread: createUnreadAnswers(options), encodedBytes: 0 };
  return {
    interceptor: (method, call) => new WatchedCall(method, call, parts),
    measured(service) {
      const methods = Object.entries(service).map(([name, method]) => {
        const responseSerialize = (answer: object): Buffer => {
          const bytes = method.responseSerialize(answer);
          parts.encodedBytes = bytes.length;
          return bytes;
        };
        return [name, { ...method, responseSerialize }];
      });
      return Object.fromEntries(methods) as ServiceDefinition;
    },
  };
}

interface WatchParts extends CallWatchOptions {
  readonly unread: UnreadAnswers;
  /** Of the answer that was last turned into bytes. */
  encodedBytes: number;
}

class WatchedCall extends ServerInterceptingCall {
  readonly #parts: WatchParts;
  readonly #peer: string;
  readonly #isStream: boolean;
  /** What is to be done when the call is over, or its request has arrived. */
  readonly #ended: (() => void)[] = [];

  constructor(
    { requestStream }: Pick<ServerMethodDefinition<unknown, unknown>, 'requestStream'>,
    next: ServerInterceptingCallInterface,
    parts: WatchParts,
  ) {
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, goOn) => this.#begin(metadata, goOn))
      .withOnReceiveHalfClose((goOn) => {
        this.#end();
        goOn();
      })
      .withOnCancel(() => this.#end())
      .build();
    super(next, { start: (proceed) => proceed(listener) });
    const { remoteAddress = '', remotePort = 0 } = next.getConnectionInfo();
    this.#parts = parts;
    this.#peer = `${remoteAddress}:${remotePort}`;
    this.#isStream = requestStream;
  }

  override sendMessage(message: unknown, callback: () => void): void {
    let taken = (): void => {};
    this.#parts.encodedBytes = 0;
    super.sendMessage(message, () => {
      taken();
      callback();
    });
    // It has been turned into bytes by now.
    const { unread, encodedBytes } = this.#parts;
    taken = unread.add(this.#peer, encodedBytes);
    this.#ended.push(taken);
  }

  #begin(metadata: Metadata, goOn: (metadata: Metadata) => void): void {
    this.#parts.used(this.#peer);
    const bytes = sizeOfMetadata(metadata);
    if (bytes > serverLimits.metadataBytesMax) {
      const details = `the metadata has ${bytes} bytes; at most ${serverLimits.metadataBytesMax} are allowed`;
      return this.sendStatus({ code: status.RESOURCE_EXHAUSTED, details });
    }
    if (!this.#isStream) this.#expectRequest();
    goOn(metadata);
  }

  #expectRequest(): void {
    const details = `the request did not arrive within ${serverLimits.requestArrivesMs / 1_000} s`;
    const late = (): void => this.sendStatus({ code: status.DEADLINE_EXCEEDED, details });
    this.#ended.push(this.#parts.clock.after(serverLimits.requestArrivesMs, late));
  }

  #end(): void {
    for (const ended of this.#ended.splice(0)) ended();
  }
}

/** As HTTP/2 counts it (RFC 9113, 6.5.2): names, values, and 32 bytes for each. */
function sizeOfMetadata(metadata: Metadata): number {
  let bytes = 0;
  for (const [name, values] of Object.entries(metadata.toHttp2Headers())) {
    for (const value of [values].flat()) bytes += name.length + String(value).length + 32;
  }
  return bytes;
}
