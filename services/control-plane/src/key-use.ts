import { configKey } from '@postrider/config-view';
import { serverLimits } from './server-limits.ts';
import type { ApiKeyConfig } from '@postrider/contract/postrider/v1/config';
import type { Clock } from '@postrider/core';
import type { Logger } from '@postrider/runtime';
import type { ConfigWriter } from './config-writer.ts';

/** Notes on a key that it is used. A call never waits for it. */
export type NoteKeyUse = (key: ApiKeyConfig) => void;

const ACTOR = 'control-plane';

/**
 * Notes that keys are used, each once in an hour: more would cost a write per call, and tells nobody anything. What cannot be
 * noted now (another replica leads, Kafka does not answer) is tried again a minute later.
 */
export function createKeyUse(writer: Pick<ConfigWriter, 'change'>, clock: Clock, log: Logger): NoteKeyUse {
  /** When noting it was tried in vain, or begun, by key, on the monotonic clock. */
  const tried = new Map<string, number>();
  return (used) => {
    const { id } = used;
    if (!isDue(used, clock.now())) return;
    const now = clock.monotonic();
    if (now - (tried.get(id) ?? -Infinity) < serverLimits.keyUseTriedEveryMs) return;
    tried.set(id, now);
    const note = writer.change(ACTOR, (change) => {
      const key = change.snapshot.apiKey(id);
      if (key === undefined || !isDue(key, change.now.getTime())) return;
      change.put(configKey('api-key', id), () => ({ $case: 'apiKey', value: { ...key, lastUseTime: change.now } }));
    });
    note.then(
      () => tried.delete(id),
      (error: unknown) => log.debug({ key: `apiKeys/${id}`, error }, 'that an API key is used could not be noted'),
    );
  };
}

/** That a new key is used at once goes without saying. */
function isDue({ lastUseTime, createTime }: ApiKeyConfig, nowMs: number): boolean {
  const since = lastUseTime ?? createTime;
  return since === undefined || nowMs - since.getTime() >= serverLimits.keyUseNotedEveryMs;
}
