import { pause } from './pause.ts';
import { KafkaError, type Admin } from './port.ts';
import type { Clock } from '@postrider/core';

export interface WhenTopicsExistOptions {
  readonly admin: Pick<Admin, 'describeTopics'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called once per reason: the topics that are missing, or none while no broker answers. */
  onWaiting(missing: readonly string[]): void;
}

const askEveryMs = 1_000;
/** Whoever watches a service start is told after this what it waits for; a question itself may take longer to give up. */
const tellAfterMs = 3_000;

/**
 * Resolves when all of these topics exist: services may be started in any order, and the control plane creates topics.
 * Asks every second. Rejects with the signal's reason, and with any failure that is not "no broker answers".
 */
export async function whenTopicsExist(names: readonly string[], options: WhenTopicsExistOptions): Promise<void> {
  const { admin, clock, signal, onWaiting } = options;
  let told = '';
  const tell = (missing: readonly string[]): void => {
    const reason = missing.join() || 'unavailable';
    if (reason !== told) onWaiting(missing);
    told = reason;
  };
  for (;;) {
    signal.throwIfAborted();
    const cancelTelling = clock.after(tellAfterMs, () => tell([]));
    const missing = await missingTopics(admin, names).finally(cancelTelling);
    if (missing?.length === 0) return;
    tell(missing ?? []);
    await pause(clock, askEveryMs, signal);
  }
}

async function missingTopics(admin: Pick<Admin, 'describeTopics'>, names: readonly string[]) {
  try {
    const found = new Set((await admin.describeTopics(names)).map((topic) => topic.name));
    return names.filter((name) => !found.has(name));
  } catch (error) {
    if (error instanceof KafkaError && error.code === 'UNAVAILABLE') return null;
    throw error;
  }
}
