import { Metadata, status } from '@grpc/grpc-js';
import { invalidArgument, isPostriderError, PostriderError } from '@postrider/core';
import { pause } from '@postrider/kafka';
import { REVISION_TRAILER } from '../call-routing.ts';
import { resourceOf } from '../handler.ts';
import { toServiceError } from '../grpc-status.ts';
import { authorize, authorizeSomewhere } from '../permissions.ts';
import { scopeContext } from '../scoped-config.ts';
import { createStreamPlaces } from '../server/stream-places.ts';
import { serverLimits } from '../server-limits.ts';
import { UnreadRequest } from '../unread-request.ts';
import { beginPublishing } from './publish-methods.ts';
import { createStreamSummary } from './stream-summary.ts';
import type { handleClientStreamingCall, sendUnaryData, ServerReadableStream } from '@grpc/grpc-js';
import type {
  PublishEventStreamRequest,
  PublishEventStreamResponse,
} from '@postrider/contract/postrider/v1/event_service';
import type { CallRates } from '../call-rates.ts';
import type { ServiceContext } from '../call.ts';
import type { ControlPlaneEvents } from '../events.ts';
import type { StreamSummary } from './stream-summary.ts';

type Stream = ServerReadableStream<PublishEventStreamRequest, PublishEventStreamResponse>;

const METHOD = 'PublishEventStream';

/**
 * Serves PublishEventStream. Each part is judged as a call of its own: whose key was revoked publishes no more. Parts are begun
 * one after the other, so events keep their order, and are acknowledged together. What there is no room for waits here, and the
 * stream is not read meanwhile.
 */
export function createStreamHandler(
  context: ServiceContext,
  events: ControlPlaneEvents,
  rates: CallRates,
): handleClientStreamingCall<PublishEventStreamRequest, PublishEventStreamResponse> {
  const { clock, view, authenticate, showing } = context;
  const beginPart = createBegin(context, rates);
  const places = createStreamPlaces({
    most: serverLimits.publishStreamsMax,
    mostOfTenant: serverLimits.publishStreamsPerTenantMax,
    what: 'reads streams of events',
  });

  async function serve(call: Stream): Promise<Served> {
    const idle = createIdleWatch(context, call);
    const summary = createStreamSummary();
    const served: { actor: string; resource: string } = { actor: '', resource: '' };
    let leave = (): void => {};
    try {
      // Nobody has a place here who is not known, or may publish nowhere.
      const caller = await authenticate(showing.shownBy(call));
      served.actor = caller.actor;
      authorizeSomewhere(METHOD, caller);
      leave = places.take(caller);
      const ahead = new Set<Promise<void>>();
      for await (const part of call as AsyncIterable<PublishEventStreamRequest>) {
        idle.stop();
        served.resource = resourceOf(part) || served.resource;
        const { results } = await beginPart(call, part, served);
        const taken = summary.take(part.events, results).finally(() => ahead.delete(taken));
        ahead.add(taken);
        if (ahead.size >= serverLimits.streamPartsAheadMax) await Promise.race(ahead);
        idle.moved();
      }
      idle.stop();
      await Promise.all(ahead);
      return { ...served, summary };
    } catch (error) {
      return { ...served, error: idle.why() ?? error };
    } finally {
      idle.stop();
      leave();
    }
  }

  async function answer(call: Stream, callback: sendUnaryData<PublishEventStreamResponse>): Promise<void> {
    // The library ends no stream that its client has given up.
    call.once('cancelled', () => call.destroy());
    call.on('error', () => {});
    const started = clock.monotonic();
    const served = await serve(call);
    const { actor, resource } = served;
    const told = { method: METHOD, resource, actor, durationMs: clock.monotonic() - started } as const;
    if ('summary' in served) {
      events.callFinished({ ...told, code: status.OK });
      const trailer = new Metadata();
      trailer.set(REVISION_TRAILER, view.snapshot().revision);
      return callback(null, served.summary.answer(), trailer);
    }
    const error = toServiceError(served.error);
    events.callFinished({ ...told, code: call.cancelled ? status.CANCELLED : error.code, fault: served.error });
    callback(error);
  }

  return (call, callback) => void answer(call, callback);
}

type Served = { readonly actor: string; readonly resource: string } & (
  | { readonly summary: StreamSummary }
  | { readonly error: unknown }
);

/** Begins a part when there is room for it, as who sends it may; `served` is told who that is. */
function createBegin(context: ServiceContext, rates: CallRates) {
  const { authenticate, showing, clock } = context;
  return async (call: Stream, part: PublishEventStreamRequest | UnreadRequest, served: { actor: string }) => {
    for (;;) {
      try {
        const caller = await authenticate(showing.shownBy(call));
        served.actor = caller.actor;
        rates.take(caller);
        if (part instanceof UnreadRequest) throw invalidArgument([part.problem]);
        const reach = authorize(METHOD, caller, part);
        return await beginPublishing(scopeContext(context, reach))(part);
      } catch (error) {
        const waitMs = isPostriderError(error, 'limit_reached') ? error.retryAfterMs : null;
        if (waitMs === null || call.cancelled) throw error;
        await pause(clock, waitMs);
      }
    }
  };
}

/** Ends a stream that sends nothing for too long. */
function createIdleWatch({ clock }: ServiceContext, call: Stream) {
  let cancel = (): void => {};
  let ended: PostriderError | null = null;
  const end = (): void => {
    const seconds = serverLimits.streamIdleMs / 1_000;
    ended = new PostriderError('deadline_exceeded', `the stream has sent nothing for ${seconds} s; open another one`);
    call.destroy();
  };
  const moved = (): void => {
    cancel();
    cancel = clock.after(serverLimits.streamIdleMs, end);
  };
  moved();
  return { moved, stop: () => cancel(), why: () => ended };
}
