import { signsAt } from '@postrider/core';
import { goThroughAgain, type Round } from '../go-through.ts';
import { serverLimits } from '../server-limits.ts';
import { endOf } from './secret-resource.ts';
import { addSecretGauges, keyStands, type SecretAges } from './secrets-stand.ts';
import type { ConfigView, Keyring } from '@postrider/config-view';
import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { Clock } from '@postrider/core';
import type { Metrics } from '@postrider/runtime';

export interface SecretWatchOptions {
  readonly view: Pick<ConfigView, 'snapshot'>;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly metrics: Metrics | undefined;
}

export interface SecretWatch extends Disposable {
  /** As of the last look. */
  ages(): SecretAges;
}

const none: SecretAges = { count: 0, old: 0, oldest: null, countedAt: null };

/** Looks now, and every hour, how old all signing secrets are; and shows that, and what is sealed under which key. */
export function watchSecrets({ view, keyring, clock, metrics }: SecretWatchOptions): SecretWatch {
  let ages = none;

  const begin = (): Round<EndpointConfig> => {
    const now = clock.now();
    let [count, old, oldest] = [0, 0, Infinity];
    return {
      visit({ secrets }) {
        for (const secret of secrets) {
          if (!signsAt({ endsAt: endOf(secret) }, now)) continue;
          const madeAt = secret.createTime?.getTime() ?? now;
          count += 1;
          if (now - madeAt > serverLimits.secretOldMs) old += 1;
          oldest = Math.min(oldest, madeAt);
        }
      },
      end: () => void (ages = { count, old, oldest: oldest === Infinity ? null : oldest, countedAt: now }),
    };
  };

  addSecretGauges(metrics, {
    keys: () => keyStands(view.snapshot(), keyring),
    ages: () => ages,
    now: () => clock.now(),
  });
  const everyMs = serverLimits.secretsLookEveryMs;
  const going = goThroughAgain({ clock, everyMs, all: () => view.snapshot().endpoints(), begin });
  return { ages: () => ages, [Symbol.dispose]: () => going[Symbol.dispose]() };
}
