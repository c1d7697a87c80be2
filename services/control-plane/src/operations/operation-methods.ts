import { configKey } from '@postrider/config-view';
import { Operation } from '@postrider/contract/postrider/v1/operation';
import { durationMs, PostriderError, tenantOfName } from '@postrider/core';
import { sizeOf } from '../messages.ts';
import { found, rejectUnreadable, rejectViolations } from '../reject.ts';
import { serverLimits } from '../server-limits.ts';
import { createViolations } from '../validate-common.ts';
import { idOf } from './kept.ts';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { OperationConfig } from '@postrider/contract/postrider/v1/config';
import type {
  DeleteOperationRequest,
  GetOperationRequest,
  ListOperationsRequest,
  ListOperationsResponse,
  WaitOperationRequest,
} from '@postrider/contract/postrider/v1/operation_service';
import type { Method, ServiceContext } from '../call.ts';

/** An operation as clients see it: with what is left to do. */
function shown(config: OperationConfig, snapshot: ConfigSnapshot): Operation {
  const operation = config.operation ?? Operation.fromPartial({});
  const { metadata, done, tenant } = operation;
  if (metadata === undefined || done) return operation;
  const id = tenantOfName(tenant) ?? '';
  const left = {
    remainingEndpointCount: snapshot.endpointCount(id),
    remainingSubscriptionCount: snapshot.subscriptionCount(id),
  };
  return { ...operation, metadata: { ...metadata, value: { ...metadata.value, ...left } } };
}

function current(snapshot: ConfigSnapshot, name: string): Operation {
  return shown(found(snapshot.operation(idOf({ name })), name), snapshot);
}

export function getOperation({ view }: ServiceContext): Method<GetOperationRequest, Operation> {
  return ({ name }) => current(view.snapshot(), name);
}

export function listOperations({
  view,
  paging,
}: ServiceContext): Method<ListOperationsRequest, ListOperationsResponse> {
  return (request) => {
    const snapshot = view.snapshot();
    const { items, nextPageToken } = paging.page(
      {
        method: 'ListOperations',
        parent: '',
        snapshot,
        names: () => Array.from(snapshot.operations(), ({ operation }) => operation?.name ?? ''),
        resource: (name) => {
          const config = snapshot.operation(idOf({ name }));
          return config === undefined ? undefined : shown(config, snapshot);
        },
        bytes: (operation) => sizeOf(Operation, operation),
      },
      request,
    );
    return { operations: [...items], nextPageToken };
  };
}

export function waitOperation({ view, untilOperationDone }: ServiceContext): Method<WaitOperationRequest, Operation> {
  return async ({ name, timeout }) => {
    const violations = createViolations();
    const most = serverLimits.operationWaitMs;
    const timeoutMs = timeout === undefined ? most : durationMs(timeout);
    if (!(timeoutMs >= 0 && timeoutMs <= most)) violations.add('timeout', `must be 0–${most / 1_000} s`);
    rejectViolations(violations.list);
    current(view.snapshot(), name);
    await untilOperationDone(view, idOf({ name }), timeoutMs);
    return current(view.snapshot(), name);
  };
}

export function deleteOperation({ writer }: ServiceContext): Method<DeleteOperationRequest, Record<string, never>> {
  return ({ name }, caller) => {
    const id = idOf({ name });
    return writer.change(caller.actor, ({ snapshot, remove }) => {
      rejectUnreadable(snapshot, 'operation', id, name);
      const { operation } = found(snapshot.operation(id), name);
      if (operation?.done !== true) throw new PostriderError('failed_precondition', `${name} is not done yet`);
      remove(configKey('operation', id));
      return {};
    });
  };
}
