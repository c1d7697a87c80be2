import { AuditAction, AuditOutcome } from '@postrider/contract/postrider/v1/audit';
import { tenantOfName } from '@postrider/core';
import type { ServiceContext } from '../call.ts';
import type { Principal } from '../permissions.ts';
import type { AuditNote } from './entry.ts';

/**
 * Asks a dispatcher for something that the audit must tell of: first the entry that it is asked for, acknowledged; then the
 * question; and, if that fails, the entry that it did. Whoever dies in between leaves the first.
 */
export async function whileAudited<T>(
  { writer }: Pick<ServiceContext, 'writer'>,
  { actor }: Pick<Principal, 'actor'>,
  { name, detail }: { readonly name: string; readonly detail: string },
  ask: () => Promise<T>,
): Promise<T> {
  const note: AuditNote = {
    ...{ action: AuditAction.ASK, outcome: AuditOutcome.ASKED, kind: 'delivery' },
    ...{ resource: name, tenant: `tenants/${tenantOfName(name) ?? ''}`, detail },
  };
  await writer.change(actor, (change) => change.note(note));
  try {
    return await ask();
  } catch (error) {
    const failed = { ...note, outcome: AuditOutcome.FAILED, detail: (error as Error).message };
    // That it cannot be told any more must not hide why it failed: that it was asked for is told.
    await writer.change(actor, (change) => change.note(failed)).catch(() => {});
    throw error;
  }
}
