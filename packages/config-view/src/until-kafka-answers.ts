import { KafkaError } from '@postrider/kafka';
import type { Clock } from '@postrider/core';
import type { ConfigViewLog } from './config-view.ts';

export interface UntilKafkaAnswers {
  readonly clock: Clock;
  readonly log: Pick<ConfigViewLog, 'warn'>;
  readonly signal?: AbortSignal;
  /** What waits, for the log: "the configuration". */
  readonly what: string;
}

/** Between two tries while no broker answers. */
const TRY_AGAIN_MS = 1_000;
/** Whoever watches a service start is told after this what it waits for; a call itself may take longer to give up. */
const TELL_AFTER_MS = 3_000;

/**
 * Does `action`, again and again while no broker answers, and says once in the log that it waits. Any other failure
 * rejects at once, and so does the signal, with its reason.
 */
export async function untilKafkaAnswers<T>(options: UntilKafkaAnswers, action: () => Promise<T>): Promise<T> {
  const { clock, log, signal, what } = options;
  let told = false;
  const tell = (fields: Readonly<Record<string, unknown>>): void => {
    if (!told) log.warn(fields, `${what} waits for Kafka: no broker answers`);
    told = true;
  };
  for (;;) {
    signal?.throwIfAborted();
    const cancelTelling = clock.after(TELL_AFTER_MS, () => tell({}));
    try {
      return await orAborted(action(), signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof KafkaError) || error.code !== 'UNAVAILABLE') throw error;
      tell({ error });
    } finally {
      cancelTelling();
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(TRY_AGAIN_MS, resolve);
    await orAborted(promise, signal).finally(cancel);
  }
}

/** The promise's own ending, or the signal's reason if that comes first. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
