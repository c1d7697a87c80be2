import { Metadata, status } from '@grpc/grpc-js';
import { auditedContext, originOf } from './audit/origin.ts';
import { REVISION_TRAILER } from './call-routing.ts';
import { toServiceError } from './grpc-status.ts';
import { scopeContext } from './scoped-config.ts';
import { closedTenantsContext } from './operations/closed-tenants.ts';
import { createListTurns } from './server/list-turns.ts';
import type { handleUnaryCall, sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type { MethodName } from '@postrider/core';
import type { Admit } from './admission.ts';
import type { MethodMaker, ServiceContext } from './call.ts';
import type { ControlPlaneEvents } from './events.ts';
import type { Principal } from './permissions.ts';

/** Turns a method into what grpc-js serves: who calls, may they, the method, its answer or status. Default deny. */
export function createHandler(context: ServiceContext, events: ControlPlaneEvents, admit: Admit) {
  const { clock, routing, random } = context;
  const lists = createListTurns();
  const open = closedTenantsContext(context);
  return <Request, Response>(
    name: MethodName,
    maker: MethodMaker<Request, Response>,
  ): handleUnaryCall<Request, Response> => {
    const isList = name.startsWith('List');
    const answer = async (call: ServerUnaryCall<Request, Response>): Promise<Answered<Response>> => {
      let known: Principal | null = null;
      try {
        const { caller, reach } = await admit(name, call, (one) => (known = one));
        const audited = auditedContext(open, originOf(name, call, caller, random));
        const make = () => maker(scopeContext(audited, reach))(call.request, caller);
        const here = () => (isList ? lists.take(caller.actor, () => !call.cancelled, make) : make());
        const { response, revision } = await routing.answer(name, call, here);
        return { caller, response, revision };
      } catch (error) {
        return { caller: known, error };
      }
    };
    const serve = async (
      call: ServerUnaryCall<Request, Response>,
      callback: sendUnaryData<Response>,
    ): Promise<void> => {
      const started = clock.monotonic();
      const answered = await answer(call);
      const actor = answered.caller?.actor ?? '';
      const durationMs = clock.monotonic() - started;
      if ('response' in answered) {
        const resource = resourceOf(answered.response) || resourceOf(call.request);
        events.callFinished({ method: name, resource, actor, code: status.OK, durationMs });
        const trailer = new Metadata();
        trailer.set(REVISION_TRAILER, answered.revision);
        return callback(null, answered.response, trailer);
      }
      const error = toServiceError(answered.error);
      const resource = resourceOf(call.request);
      events.callFinished({ method: name, resource, actor, code: error.code, durationMs, fault: answered.error });
      callback(error);
    };
    return (call, callback) => void serve(call, callback);
  };
}

type Answered<Response> =
  | { readonly caller: Principal; readonly response: Response; readonly revision: string }
  | { readonly caller: Principal | null; readonly error: unknown };

// Names of resources, parents of lists and their ids in full; callers may send anything, also a secret, in their place.
const inTenant =
  /^tenants\/[a-z0-9-]{1,63}(?:\/(?:endpoints|subscriptions|secrets)\/[a-z0-9_-]{1,63}){0,2}(?:\/deliveries\/dlv_[a-f0-9]{32})?$/;
const atLarge =
  /^(?:installation|apiKeys\/[a-z0-9]{4,32}|auditEntries\/[0-9]{1,18}|roleBindings\/[a-z0-9_-]{1,63}|egressPools\/[a-z0-9_-]{1,63}(?:\/addresses\/[0-9a-f._-]{1,48})?|operations\/op_[0-9a-f]{32}|eventTypes\/[A-Za-z0-9._:-]{1,255}|dispatchers\/[A-Za-z0-9._-]{1,255})$/;

/** The name of the resource that a message is or speaks of; empty when it names none. Nothing else of it is logged. */
export function resourceOf(message: unknown): string {
  const named = message as { readonly name?: unknown; readonly parent?: unknown };
  const name = named.name ?? named.parent;
  return typeof name === 'string' && (inTenant.test(name) || atLarge.test(name)) ? name : '';
}
