import { backoffMs } from '../backoff.ts';
import { KafkaError } from '../port.ts';
import { pause } from '../pause.ts';
import { isFinal, toKafkaError } from './protocol-error.ts';
import type { Clock } from '@postrider/core';

/** A topic made a moment ago is not known to every broker yet; one that stays unknown for so long does not exist. */
const UNKNOWN_TOPIC_MS = 1_000;

export interface RetryOptions {
  readonly clock: Clock;
  /** When to give up with the last error; never when Infinity. */
  readonly limitMs: number;
  /** Ends the waiting with `CLOSED`. */
  readonly signal?: AbortSignal;
  onTrouble?(error: KafkaError): void;
}

/** Asks until there is an answer, up to a second apart. Rejects with errors of the port. */
export async function retry<T>(ask: () => Promise<T>, options: RetryOptions): Promise<T> {
  const start = options.clock.monotonic();
  for (let failures = 0; ; failures += 1) {
    try {
      if (options.signal?.aborted === true) throw new KafkaError('CLOSED', 'closed while waiting for Kafka');
      return await ask();
    } catch (thrown) {
      const error =
        options.signal?.aborted === true
          ? new KafkaError('CLOSED', 'closed while waiting for Kafka')
          : toKafkaError(thrown);
      const passed = options.clock.monotonic() - start;
      const limitMs = error.code === 'UNKNOWN_TOPIC' ? Math.min(UNKNOWN_TOPIC_MS, options.limitMs) : options.limitMs;
      if (isFinal(error) || passed >= limitMs) throw error;
      options.onTrouble?.(error);
      await pause(options.clock, backoffMs(failures), options.signal);
    }
  }
}

/** Asks until there is an answer; undefined once the signal is aborted. Nothing is final: a topic that is gone may come back. */
export function insist<T>(
  ask: () => Promise<T>,
  options: Omit<RetryOptions, 'limitMs'> & { readonly signal: AbortSignal },
): Promise<T | undefined> {
  const unavailable = (error: unknown): never => {
    throw new KafkaError('UNAVAILABLE', (error as Error).message, { cause: error });
  };
  return retry(() => ask().catch(unavailable), { ...options, limitMs: Infinity }).catch(() => undefined);
}
