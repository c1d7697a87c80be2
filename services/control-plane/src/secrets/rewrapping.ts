import { configKey, wrapDataKey } from '@postrider/config-view';
import { pause } from '@postrider/kafka';
import { serverLimits } from '../server-limits.ts';
import type { ConfigSnapshot, ConfigView, DataKeys, Keyring } from '@postrider/config-view';
import type { SealedSecret, TenantConfig } from '@postrider/contract/postrider/v1/config';
import type { Clock, RandomBytes, SealingKey } from '@postrider/core';
import type { Change, ConfigWriter } from '../config-writer.ts';
import type { ControlPlaneEvents } from '../events.ts';

export interface RewrappingOptions {
  readonly keyring: Keyring;
  readonly dataKeys: Pick<DataKeys, 'prepare' | 'of' | 'remember'>;
  readonly view: Pick<ConfigView, 'snapshot' | 'onChange'>;
  readonly writer: Pick<ConfigWriter, 'change'>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly events: Pick<ControlPlaneEvents, 'keysRewrapped' | 'keyTrouble'>;
}

const ACTOR = 'control-plane';

/**
 * Seals anew, under the primary key-encryption key, every tenant's data key that is sealed under another one, a few at a time,
 * for as long as there are any. What is left to do is what the records say, so whoever leads next goes on with it, and nothing
 * is done twice. One that cannot be opened or sealed is told, and keeps no other one back: it is tried again behind them. The
 * data keys themselves stay what they are, and with them all that is sealed under them.
 */
export function startRewrapping(options: RewrappingOptions): Disposable {
  const { view, clock, keyring } = options;
  let closed = false;
  let running = false;
  /** Tenants that are tried again when all others were. */
  const failed = new Set<string>();
  let cancel: (() => void) | null = null;

  async function run(): Promise<void> {
    if (running || closed) return;
    running = true;
    cancel?.();
    cancel = null;
    try {
      for (;;) {
        const left = staleTenants(view.snapshot(), keyring).filter(({ tenantId }) => !failed.has(tenantId));
        if (left.length === 0) failed.clear();
        if (left.length === 0 || closed) return;
        const batch = left.slice(0, serverLimits.rewrapsTogetherMax);
        const failures = await rewrap(batch, options);
        for (const { tenantId } of failures) failed.add(tenantId);
        const [first] = failures;
        // When none could be, whoever keeps the keys does not answer: not all the others are asked for as well.
        if (failures.length === batch.length) throw first?.error;
        if (first !== undefined && !closed) options.events.keyTrouble(keyring.primary.id, first.error);
        await pause(clock, serverLimits.rewrapPauseMs);
      }
    } catch (error) {
      if (!closed) options.events.keyTrouble(keyring.primary.id, error);
    } finally {
      running = false;
      // Also what a replica with another primary writes meanwhile.
      if (!closed) cancel = clock.after(serverLimits.rewrapAgainMs, () => void run());
    }
  }

  const stopWatching = view.onChange((changes) => {
    if (changes.some(({ kind, after }) => kind === 'tenant' && after !== undefined)) void run();
  });
  void run();
  return {
    [Symbol.dispose]() {
      closed = true;
      stopWatching();
      cancel?.();
    },
  };
}

interface Stale {
  readonly tenantId: string;
  readonly config: TenantConfig;
}

/** Tenants whose data keys are sealed under another key than the primary, one that is known here. */
export function staleTenants(snapshot: Pick<ConfigSnapshot, 'tenants'>, keyring: Keyring): Stale[] {
  const stale: Stale[] = [];
  for (const config of snapshot.tenants()) {
    const keyId = config.dataKey?.keyId ?? '';
    if (keyId === keyring.primary.id || keyring.find(keyId) === undefined) continue;
    stale.push({ tenantId: config.tenant?.name.split('/')[1] ?? '', config });
  }
  return stale;
}

interface Failure {
  readonly tenantId: string;
  readonly error: unknown;
}

/** Writes those that can be sealed anew, and gives back those that cannot. */
async function rewrap(batch: readonly Stale[], options: RewrappingOptions): Promise<readonly Failure[]> {
  const { keyring, writer, view, events } = options;
  const failures: Failure[] = [];
  const tried = await Promise.all(
    batch.map((one) =>
      sealAnew(one, options).catch((error: unknown) => {
        failures.push({ tenantId: one.tenantId, error });
        return null;
      }),
    ),
  );
  const wrapped = tried.filter((one) => one !== null);
  if (wrapped.length > 0) {
    const count = await writer.change(ACTOR, (change) => wrapped.filter((one) => putRewrapped(change, one)).length);
    events.keysRewrapped(count, staleTenants(view.snapshot(), keyring).length);
  }
  return failures;
}

async function sealAnew({ tenantId, config }: Stale, options: RewrappingOptions): Promise<Rewrapped> {
  const { keyring, dataKeys, random } = options;
  await dataKeys.prepare(config);
  const key = dataKeys.of(config);
  const sealed = await wrapDataKey(key, keyring.primary, tenantId, random);
  dataKeys.remember(tenantId, sealed, key);
  return { tenantId, before: config.dataKey, sealed, key };
}

interface Rewrapped {
  readonly tenantId: string;
  readonly before: SealedSecret | undefined;
  readonly sealed: SealedSecret;
  readonly key: SealingKey;
}

/** Writes it, unless the tenant is gone, or its data key is not the one that was sealed anew. */
function putRewrapped({ snapshot, now, put }: Change, { tenantId, before, sealed, key }: Rewrapped): boolean {
  const config = snapshot.tenant(tenantId);
  const current = config?.dataKey;
  if (config === undefined || current === undefined || before?.ciphertext.equals(current.ciphertext) !== true) {
    return false;
  }
  put(configKey('tenant', tenantId), () => ({
    $case: 'tenant',
    value: { ...config, dataKey: sealed, dataKeyId: key.id, dataKeySealTime: now },
  }));
  return true;
}
