import { AuditAction, AuditOutcome } from '@postrider/contract/postrider/v1/audit';
import { tenantOfName } from '@postrider/core';
import type { ServiceContext } from '../call.ts';
import type { Principal } from '../permissions.ts';

/** Puts on record that a secret is shown; resolves when the record cannot be lost any more, and only then it may be shown. */
export async function recordReveal(
  { writer }: Pick<ServiceContext, 'writer'>,
  { actor }: Pick<Principal, 'actor'>,
  { name, reason }: { readonly name: string; readonly reason: string },
): Promise<void> {
  const tenant = tenantOfName(name);
  await writer.change(actor, (change) =>
    change.note({
      ...{ action: AuditAction.REVEAL, outcome: AuditOutcome.DONE, kind: 'secret' },
      ...{ resource: name, tenant: tenant === null ? '' : `tenants/${tenant}`, detail: reason },
    }),
  );
}
