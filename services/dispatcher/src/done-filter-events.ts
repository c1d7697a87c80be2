import { idsOf } from './delivery-ids.ts';
import type { DeliveryView } from '@postrider/core';
import type { CallResult } from './store-calls.ts';
import type { Logger, Metrics } from '@postrider/runtime';

/** What happens around the done-filter. */
export interface DoneFilterEvents {
  /** An earlier owner delivered it: a duplicate is avoided. */
  deliveredBefore(delivery: DeliveryView): void;
  /** Keys were noted or asked for. `skipped`: the store is left alone, or there is no room. */
  doneFilterCalled(call: 'add' | 'ask', result: CallResult, keys: number): void;
  /** The store has failed too often in a row: it is left alone for a while. */
  doneFilterLeftAlone(error: Error): void;
  doneFilterBack(): void;
  /** The connection to the store was lost or refused. */
  doneStoreTrouble(error: Error): void;
}

/** Events that go to a log and to metrics. */
export function doneFilterEvents(log: Logger, metrics: Metrics): DoneFilterEvents {
  const avoided = metrics.counter('postrider_duplicates_avoided', 'Deliveries not sent again after a crash').with({});
  const keysBy = metrics.counter('postrider_done_filter_keys', 'Keys noted or asked for, by what came of it', [
    'call',
    'result',
  ]);
  return {
    deliveredBefore(delivery) {
      avoided.add();
      log.info(idsOf(delivery), 'delivery.delivered-before');
    },
    doneFilterCalled: (call, result, keys) => keysBy.with({ call, result }).add(keys),
    doneFilterLeftAlone: (error) =>
      log.warn({ error }, 'the done-filter is left alone for a while: after a crash more may be sent again'),
    doneFilterBack: () => log.info({}, 'the done-filter answers again'),
    doneStoreTrouble: (error) => log.debug({ error }, 'Redis cannot be reached; trying again'),
  };
}
