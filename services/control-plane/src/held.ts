import { PostriderError } from '@postrider/core';
import type { Reach } from '@postrider/core';

/** What somebody with a role in all tenants has stopped. */
interface Held {
  readonly heldByInstallation: boolean;
}

/**
 * What the installation has stopped, its tenants do not set going again.
 * @param what it is and what was done to it, `tenants/acme is paused` for example
 * @throws PostriderError `permission_denied`
 */
export function checkNotHeld(held: Held | undefined, reach: Reach, what: string): void {
  if (held?.heldByInstallation !== true || reach === 'all') return;
  const text = `${what} by the installation: only somebody with a role in all tenants may change that`;
  throw new PostriderError('permission_denied', text);
}
