import { CliError, exitCodes, isNotFound } from './cli-error.ts';
import { tenantName } from './names.ts';
import type { Session } from './session.ts';

/**
 * Whether the control plane says that there is no such tenant. False where it cannot be asked: what Kafka holds is shown and
 * taken all the same.
 */
export async function isNoTenant(session: Session, tenant: string): Promise<boolean> {
  const request = { name: tenantName(tenant) };
  try {
    await session.withRpc((rpc) => rpc.call(rpc.tenants, rpc.tenants.getTenant, request));
    return false;
  } catch (error) {
    return isNotFound(error);
  }
}

/** Throws `CliError` where the control plane says that there is no such tenant. */
export async function requireTenant(session: Session, tenant: string): Promise<void> {
  if (await isNoTenant(session, tenant)) throw new CliError(exitCodes.notFound, `There is no tenant ${tenant}.`);
}
