import { every } from '@postrider/core';
import { serverLimits } from '../server-limits.ts';
import { secretsStand } from './secrets-stand.ts';
import type { ConfigView, Keyring } from '@postrider/config-view';
import type { Clock } from '@postrider/core';
import type { ControlPlaneEvents } from '../events.ts';

export interface SecretWatchOptions {
  readonly view: Pick<ConfigView, 'snapshot'>;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly events: Pick<ControlPlaneEvents, 'secretsLookedAt'>;
}

/** Looks now, and every few minutes, how it stands with all secrets and what they are sealed under. */
export function watchSecrets({ view, keyring, clock, events }: SecretWatchOptions): Disposable {
  const look = (): void => events.secretsLookedAt(secretsStand(view.snapshot(), keyring, clock.now()));
  look();
  return { [Symbol.dispose]: every(clock, serverLimits.secretsLookEveryMs, look) };
}
