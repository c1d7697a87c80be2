import { status } from '@grpc/grpc-js';
import { PostriderError } from '@postrider/core';
import { toServiceError } from './grpc-status.ts';
import { scopeContext } from './scoped-config.ts';
import { createStreamPlaces } from './server/stream-places.ts';
import { serverLimits } from './server-limits.ts';
import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import type { Clock, MethodName } from '@postrider/core';
import type { Admit } from './admission.ts';
import type { ServiceContext, StreamMaker } from './call.ts';
import type { ControlPlaneEvents } from './events.ts';

/**
 * Turns a method with many answers into what grpc-js serves. The next answer is made when the caller has room for it; who
 * reads too slowly or for too long is ended, and there are only so many at once, fewer of one tenant.
 */
export function createAnswersHandler(context: ServiceContext, events: ControlPlaneEvents, admit: Admit) {
  const { clock } = context;
  const places = createStreamPlaces({
    most: serverLimits.streamsMax,
    mostOfTenant: serverLimits.streamsPerTenantMax,
    what: 'answers in streams',
  });
  return <Request, Response>(
    name: MethodName,
    maker: StreamMaker<Request, Response>,
  ): handleServerStreamingCall<Request, Response> => {
    const answer = async (
      call: ServerWritableStream<Request, Response>,
      known: (actor: string) => void,
    ): Promise<void> => {
      const { caller, reach } = await admit(name, call, ({ actor }) => known(actor));
      const leave = places.take(caller);
      try {
        const until = clock.monotonic() + serverLimits.streamMs;
        for await (const response of maker(scopeContext(context, reach))(call.request, caller)) {
          if (call.cancelled) return;
          if (clock.monotonic() > until) throw tooSlow();
          if (!call.write(response)) await drained(call, clock);
        }
      } finally {
        leave();
      }
    };
    const serve = async (call: ServerWritableStream<Request, Response>): Promise<void> => {
      const started = clock.monotonic();
      let actor = '';
      const finished = (code: status, fault?: unknown): void => {
        const durationMs = clock.monotonic() - started;
        events.callFinished({ method: name, resource: '', actor, code, durationMs, fault });
      };
      try {
        await answer(call, (known) => (actor = known));
        call.end();
        finished(call.cancelled ? status.CANCELLED : status.OK);
      } catch (error) {
        const failed = toServiceError(error);
        finished(failed.code, error);
        call.emit('error', failed);
      }
    };
    return (call) => void serve(call);
  };
}

/** Until the caller has room again, or is gone. */
async function drained(call: ServerWritableStream<unknown, unknown>, clock: Clock): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = clock.after(serverLimits.streamStallMs, () => reject(tooSlow()));
  call.once('drain', resolve);
  call.once('cancelled', resolve);
  try {
    await promise;
  } finally {
    cancel();
    call.off('drain', resolve);
    call.off('cancelled', resolve);
  }
}

function tooSlow(): PostriderError {
  return new PostriderError('unavailable', 'the stream was read too slowly, or for too long: go on where it ended');
}
