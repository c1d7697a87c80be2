import { LAYOUT_KEY, parseConfigKey } from '@postrider/config-view';
import { serverLimits } from './server-limits.ts';
import type { ConfigEntity, ConfigSnapshot } from '@postrider/config-view';
import type { Clock } from '@postrider/core';
import type { Logger } from '@postrider/runtime';
import type { Change, ConfigWriter } from './config-writer.ts';

export interface RestatingOptions {
  readonly writer: Pick<ConfigWriter, 'restate'>;
  /** Keys that a writer who had lost its place has written behind ours; those that are done are taken out. */
  readonly stale: Set<string>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Writes the truth of stale keys again, until that is done. */
export interface Restating extends Disposable {
  /** To be called when there may be new ones. */
  wake(): void;
}

/** Begins with what is stale already. What cannot be written is tried again after a while. */
export function startRestating({ writer, stale, clock, log }: RestatingOptions): Restating {
  let cancel: (() => void) | null = null;
  let closed = false;

  const wake = (): void => {
    cancel?.();
    cancel = null;
    if (closed || stale.size === 0) return;
    const keys = [...stale];
    stale.clear();
    writer.restate(keys).catch((error: unknown) => {
      if (closed) return;
      for (const key of keys) stale.add(key);
      log.warn({ error, keys: keys.length }, 'configuration records could not be written again; trying again soon');
      cancel?.();
      cancel = clock.after(serverLimits.restateAgainMs, wake);
    });
  };

  wake();
  return {
    wake,
    [Symbol.dispose]() {
      closed = true;
      cancel?.();
    },
  };
}

/** Writes what holds of this key again. What is unreadable here may be a newer version's truth and stays as it is. */
export function restateOne(change: Change, key: string, log: Logger): void {
  const parsed = parseConfigKey(key);
  if (parsed === null || parsed.kind === null || parsed.kind === 'writer') return;
  if (change.snapshot.unreadable(parsed.kind, parsed.id) !== undefined) return;
  const entity = entityOf(change.snapshot, parsed.kind, parsed.id);
  if (entity === null && key === LAYOUT_KEY) return;
  log.warn({ key }, 'writing a configuration record again, because an older writer’s record stands behind it');
  if (entity === null) change.remove(key);
  else change.put(key, () => entity);
}

function entityOf(snapshot: ConfigSnapshot, kind: string, id: string): ConfigEntity | null {
  const found: Record<string, () => ConfigEntity | null> = {
    tenant: () => entityIf('tenant', snapshot.tenant(id)),
    endpoint: () => entityIf('endpoint', snapshot.endpoint(id)),
    subscription: () => entityIf('subscription', snapshot.subscription(id)),
    'api-key': () => entityIf('apiKey', snapshot.apiKey(id)),
    pause: () => entityIf('pause', snapshot.pause(id)),
    drain: () => entityIf('drain', snapshot.drain(id)),
    'egress-address': () => entityIf('egressAddress', snapshot.egressAddress(id)),
    operation: () => entityIf('operation', snapshot.operation(id)),
    'role-binding': () => entityIf('roleBinding', snapshot.roleBinding(id)),
    'event-type': () => entityIf('eventType', snapshot.eventType(id)),
    layout: () => entityIf('layout', snapshot.layout ?? undefined),
  };
  return found[kind]?.() ?? null;
}

function entityIf<C extends ConfigEntity['$case']>(
  $case: C,
  value: Extract<ConfigEntity, { $case: C }>['value'] | undefined,
): ConfigEntity | null {
  return value === undefined ? null : ({ $case, value } as ConfigEntity);
}
