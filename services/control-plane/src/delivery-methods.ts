import {
  MoveTo,
  type DeliveryExplanation,
  type EndpointBacklog,
} from '@postrider/contract/postrider/v1/delivery_service';
import { invalidArgument, isPostriderError } from '@postrider/core';
import { currentEndpoint } from './endpoint-methods.ts';
import { endpointName, parseDeliveryName, parseEndpointName } from './names.ts';
import { rejectViolations } from './reject.ts';
import { serverLimits } from './server-limits.ts';
import { checkReason, createViolations } from './validate-common.ts';
import { whileAudited } from './audit/asked.ts';
import { withDeadline } from './with-deadline.ts';
import type {
  ExplainDeliveryRequest,
  GetEndpointBacklogRequest,
  MoveDeliveryRequest,
  SkipDeliveryRequest,
} from '@postrider/contract/postrider/v1/delivery_service';
import type { WorkName } from '@postrider/contract/postrider/v1/owner_service';
import type { Method, ServiceContext } from './call.ts';
import type { Askable } from './ask-owner.ts';

export function getEndpointBacklog(context: ServiceContext): Method<GetEndpointBacklogRequest, EndpointBacklog> {
  return async ({ name }) => {
    parseEndpointName(name, 'name');
    const { endpoint } = currentEndpoint(context.view.snapshot(), name);
    const { owners } = context;
    const partition = owners.partitionOf(endpoint.uid);
    const owner = await owners.ownerOf(partition);
    const told = await owners.ask(owner, 'describeBacklog', { partition, endpointUid: endpoint.uid });
    return { ...told, name };
  };
}

export function explainDelivery(context: ServiceContext): Method<ExplainDeliveryRequest, DeliveryExplanation> {
  return async (request) => {
    const { work, owner } = await ownedWork(context, request);
    try {
      return named(request, await context.owners.ask(owner, 'explainWork', { work }));
    } catch (error) {
      if (!isPostriderError(error, 'not_found')) throw error;
      const { partition } = work;
      const late = 'Kafka does not answer in time; try again';
      const ending = await withDeadline(context.findEnding(work, error.message), context.clock, late);
      return named(request, { ...ending, partition, dispatcher: `dispatchers/${owner.processId}` });
    }
  };
}

export function skipDelivery(context: ServiceContext): Method<SkipDeliveryRequest, DeliveryExplanation> {
  return async (request, caller) => {
    const violations = createViolations();
    checkReason(violations, request.reason);
    parseDeliveryName(request.name, 'name');
    rejectViolations(violations.list);
    const { work, owner } = await ownedWork(context, request);
    const detail = `${caller.actor}: ${request.reason}`;
    return whileAudited(context, caller, { ...request, detail: request.reason }, async () =>
      named(request, await context.owners.ask(owner, 'skipWork', { work, detail })),
    );
  };
}

export function moveDelivery(context: ServiceContext): Method<MoveDeliveryRequest, DeliveryExplanation> {
  return async (request, caller) => {
    const { to } = request;
    if (to === MoveTo.UNSPECIFIED || to === MoveTo.UNRECOGNIZED) {
      throw invalidArgument([{ field: 'to', description: 'must say where to' }]);
    }
    const { work, owner } = await ownedWork(context, request);
    return whileAudited(context, caller, { ...request, detail: to }, async () =>
      named(request, await context.owners.ask(owner, 'moveWork', { work, to })),
    );
  };
}

interface NamedRun {
  readonly name: string;
  readonly runId: string;
}

async function ownedWork(
  { view, owners }: ServiceContext,
  { name, runId }: NamedRun,
): Promise<{ readonly work: WorkName; readonly owner: Askable }> {
  const { delivery, ...parent } = parseDeliveryName(name, 'name');
  if (runId.length > serverLimits.runIdMax) {
    throw invalidArgument([{ field: 'run_id', description: `must have at most ${serverLimits.runIdMax} characters` }]);
  }
  const { endpoint } = currentEndpoint(view.snapshot(), endpointName(parent));
  const partition = owners.partitionOf(endpoint.uid);
  const work: WorkName = { partition, endpointUid: endpoint.uid, deliveryId: delivery, runId };
  return { work, owner: await owners.ownerOf(partition) };
}

function named({ name, runId }: NamedRun, told: DeliveryExplanation): DeliveryExplanation {
  return { ...told, name, runId };
}
