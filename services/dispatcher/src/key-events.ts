import type { Logger, Metrics } from '@postrider/runtime';

/** What happens to the keys that secrets are opened with. */
export interface KeyEvents {
  /** A key management service did not open a data key: deliveries of its tenants wait once what is known of it has run out. */
  keyTrouble(kekId: string, error: unknown): void;
}

/** Events that go to a log and to metrics. */
export function keyEvents(log: Logger, metrics: Metrics): KeyEvents {
  const failed = metrics.counter(
    'postrider_data_key_failures',
    'Data keys that a key management service did not open',
    ['key'],
  );
  return {
    keyTrouble(key, error) {
      failed.with({ key }).add();
      log.error({ key, error }, 'key.unavailable: a data key cannot be opened now');
    },
  };
}
