import { ServerInterceptingCall, ServerListenerBuilder } from '@grpc/grpc-js';
import { accessRule, PostriderError, type MethodName } from '@postrider/core';
import { methodRules } from '@postrider/contract/postrider/v1/methods';
import { toServiceError } from '../grpc-status.ts';
import { serverLimits } from '../server-limits.ts';
import { strangerAt } from '../stranger.ts';
import { createArriving } from './arriving.ts';
import type {
  Metadata,
  ServerInterceptingCallInterface,
  ServerInterceptor,
  ServerMethodDefinition,
} from '@grpc/grpc-js';
import type { CallRates } from '../call-rates.ts';
import type { ServiceContext } from '../call.ts';
import type { ControlPlaneEvents } from '../events.ts';
import type { Principal } from '../permissions.ts';

/** A call that was let in. */
export interface Entered {
  /** Who made it, when it began. */
  readonly caller: Principal;
  /** Who that is by now. Throws, or rejects with, PostriderError `unauthenticated` when nobody any more. */
  now(): Principal | Promise<Principal>;
}

/** Where every call comes in. */
export interface Entrance {
  readonly interceptor: ServerInterceptor;
  /** What was found of a call of the API when it came in, by the metadata that its handler has got. */
  entered(metadata: Metadata): Entered;
}

export interface EntranceOptions {
  readonly context: Pick<ServiceContext, 'authenticate' | 'showing' | 'view' | 'clock'>;
  readonly rates: CallRates;
  readonly events: Pick<ControlPlaneEvents, 'callFinished'>;
}

/**
 * Knows callers by the metadata of their calls, and has no request read of who is not known, or calls too often: what strangers
 * send stays on their side, but for what HTTP/2 has given them credit for (64 KiB a stream) until they are answered.
 * A stream of requests is not counted, its parts are.
 */
export function createEntrance(options: EntranceOptions): Entrance {
  const { clock } = options.context;
  const parts: EntranceParts = {
    ...options,
    known: createArriving({ clock, most: serverLimits.requestsArrivingMax }),
    strangers: createArriving({
      clock,
      most: serverLimits.strangerRequestsArrivingMax,
      mostSlow: serverLimits.strangerRequestsSlowMax,
    }),
  };
  return {
    interceptor: (method, call) => new EnteringCall(method, call, parts),
    entered(metadata: KnownMetadata) {
      const found = metadata[ENTERED];
      if (found === undefined) throw new PostriderError('internal', 'a call has not come in by the entrance');
      return found;
    },
  };
}

/** Under it stands in the metadata of a call what was found of it: in a WeakMap it would outlive its call by far (docs/adr/0058). */
const ENTERED = Symbol('entered');
type KnownMetadata = Metadata & { [ENTERED]?: Entered };

interface EntranceParts extends EntranceOptions {
  readonly known: ReturnType<typeof createArriving>;
  readonly strangers: ReturnType<typeof createArriving>;
}

class EnteringCall extends ServerInterceptingCall {
  readonly #parts: EntranceParts;
  readonly #next: ServerInterceptingCallInterface;
  readonly #path: string;
  readonly #method: MethodName | null;
  readonly #isStream: boolean;
  #isOver = false;
  #arrived = (): void => {};

  constructor(
    { path, requestStream }: Pick<ServerMethodDefinition<unknown, unknown>, 'path' | 'requestStream'>,
    next: ServerInterceptingCallInterface,
    parts: EntranceParts,
  ) {
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, goOn) => void this.#enter(metadata, () => goOn(metadata)))
      .withOnReceiveHalfClose((goOn) => {
        this.#arrived();
        goOn();
      })
      .withOnCancel(() => {
        this.#isOver = true;
        this.#arrived();
      })
      .build();
    super(next, { start: (proceed) => proceed(listener) });
    this.#parts = parts;
    this.#next = next;
    this.#path = path;
    this.#method = methodAt(path);
    this.#isStream = requestStream;
  }

  async #enter(metadata: KnownMetadata, goOn: () => void): Promise<void> {
    const { rates } = this.#parts;
    let actor = '';
    const refuse = this.#refusal();
    try {
      const entered = await this.#identified(metadata);
      ({ actor } = entered.caller);
      if (this.#method !== null) {
        if (!this.#isStream) rates.take(entered.caller);
        metadata[ENTERED] = entered;
      }
      this.#expect(entered.caller, refuse);
    } catch (error) {
      return refuse(error, actor);
    }
    goOn();
  }

  /** Ends the call, which no method hears of. */
  #refusal() {
    const { context, events } = this.#parts;
    const started = context.clock.monotonic();
    return (fault: unknown, actor: string): void => {
      const refused = toServiceError(fault);
      this.sendStatus(refused);
      if (this.#method === null) return;
      const durationMs = context.clock.monotonic() - started;
      events.callFinished({ method: this.#method, resource: '', actor, code: refused.code, durationMs, fault });
    };
  }

  /** @throws PostriderError why the caller is not known */
  async #identified(metadata: Metadata): Promise<Entered> {
    const { showing, authenticate, view } = this.#parts.context;
    const stranger = strangerAt(this.getPeer());
    // What is not the API's (health, and what the API says of itself) is anybody's.
    if (this.#method === null) return { caller: stranger, now: () => stranger };
    const call = { metadata, getPath: () => this.#path, getAuthContext: () => this.#next.getAuthContext() };
    const shown = showing.shownBy(call);
    const isForAnyone = accessRule(this.#method)?.anyone === true;
    const identify = (): Principal | Promise<Principal> => {
      const isStranger = isForAnyone && metadata.get('authorization').length === 0 && shown.certificate() === null;
      return isStranger ? stranger : authenticate(shown);
    };
    const { revision } = view.snapshot();
    const caller = await identify();
    return { caller, now: () => (view.snapshot().revision === revision ? caller : identify()) };
  }

  /** From now on it may be read. Streams of callers who are known have places of their own. */
  #expect({ actor, grants }: Principal, refuse: (fault: unknown, actor: string) => void): void {
    const { known, strangers } = this.#parts;
    const isStranger = grants.length === 0;
    if (this.#isOver || (this.#isStream && !isStranger)) return;
    const end = (): void => {
      const text = 'too many requests are on their way to this replica; come back later, and send them at once';
      refuse(new PostriderError('limit_reached', text, { retryAfterMs: serverLimits.retryAfterMs }), actor);
    };
    this.#arrived = (isStranger ? strangers : known).add(actor, end);
  }
}

/** The method of the API that is called by this path; null: it is none of the API's. */
function methodAt(path: string): MethodName | null {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const isOurs = accessRule(name) !== null && path === `/${methodRules[name as MethodName].service}/${name}`;
  return isOurs ? (name as MethodName) : null;
}
