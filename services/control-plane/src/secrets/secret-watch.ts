import { every, signsAt } from '@postrider/core';
import { goThrough } from '../go-through.ts';
import { serverLimits } from '../server-limits.ts';
import { endOf } from './secret-resource.ts';
import { addSecretGauges, keyStands, type SecretAges } from './secrets-stand.ts';
import type { ConfigView, Keyring } from '@postrider/config-view';
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

const none: SecretAges = { count: 0, old: 0, oldest: null };

/** Looks now, and every hour, how old all signing secrets are; and shows that, and what is sealed under which key. */
export function watchSecrets({ view, keyring, clock, metrics }: SecretWatchOptions): SecretWatch {
  let ages = none;
  let looking = false;
  let stopped = false;

  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    const now = clock.now();
    let [count, old, oldest] = [0, 0, Infinity];
    await goThrough(
      view.snapshot().endpoints(),
      ({ secrets }) => {
        for (const secret of secrets) {
          if (!signsAt({ endsAt: endOf(secret) }, now)) continue;
          const madeAt = secret.createTime?.getTime() ?? now;
          count += 1;
          if (now - madeAt > serverLimits.secretOldMs) old += 1;
          oldest = Math.min(oldest, madeAt);
        }
      },
      () => stopped,
    );
    looking = false;
    if (!stopped) ages = { count, old, oldest: oldest === Infinity ? null : oldest };
  };

  addSecretGauges(metrics, {
    keys: () => keyStands(view.snapshot(), keyring),
    ages: () => ages,
    now: () => clock.now(),
  });
  void look();
  const stop = every(clock, serverLimits.secretsLookEveryMs, () => void look());
  return {
    ages: () => ages,
    [Symbol.dispose]() {
      stopped = true;
      stop();
    },
  };
}
