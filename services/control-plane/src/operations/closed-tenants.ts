import { isBeingDeleted, tenantOfName } from '@postrider/core';
import { tenantOfEntity } from '../audit/entry.ts';
import { rejectBeingDeleted } from '../reject.ts';
import type { MethodName } from '@postrider/core';
import type { ServiceContext } from '../call.ts';
import type { Change } from '../config-writer.ts';

const DELETES: MethodName = 'DeleteTenant';

/**
 * What methods work with: whatever they would put into a tenant that is being deleted is refused, so no method can forget to
 * look. What they take away is not: it goes anyway. Nor is what deletes it, which may have to be begun anew.
 */
export function closedTenantsContext(context: ServiceContext): ServiceContext {
  const { writer } = context;
  return {
    ...context,
    writer: { change: (actor, plan, origin) => writer.change(actor, (change) => plan(guarded(change)), origin) },
  };
}

function guarded(change: Change): Change {
  const { snapshot, origin } = change;
  if (origin?.method === DELETES) return change;
  return {
    ...change,
    put(key, build) {
      const entity = change.put(key, build);
      const tenant = tenantOfEntity(key, entity.value);
      if (isBeingDeleted(snapshot.tenant(tenantOfName(tenant) ?? ''))) rejectBeingDeleted(tenant);
      return entity;
    },
  };
}
