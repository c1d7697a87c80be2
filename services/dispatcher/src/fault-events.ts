import { idsOf } from './delivery-ids.ts';
import type { DeliveryView } from '@postrider/core';
import type { Logger, Metrics } from '@postrider/runtime';

/** What was being done with a delivery when something of ours threw. */
export type Stage = 'read' | 'start' | 'prepare' | 'send' | 'classify' | 'decide' | 'publish' | 'put' | 'end';

/** What should not happen, and is kept to the one delivery or endpoint that it concerns. */
export interface FaultEvents {
  /** A header says what no part of Postrider writes; it was brought back within bounds. */
  outOfBounds(delivery: DeliveryView, fields: readonly string[]): void;
  /** Something of ours threw, for the how-many-th time in a row. */
  internalFault(stage: Stage, key: string, failures: number, error: unknown): void;
  /** A row could not be taken in. */
  loadFault(key: string, error: unknown): void;
  /** Faults of ours have hit a delivery too often: it is given up. */
  faultsOver(partition: number, key: string, detail: string): void;
  /** The endpoint's configuration makes preparing it throw: what is for it waits. */
  endpointUnusable(endpointId: string, error: unknown): void;
  /** Endpoints' URLs and addresses are judged by another policy from now on. */
  policyChanged(): void;
  /** The policy file cannot be used: the policy before it stays. */
  policyUnusable(problem: string): void;
}

/** Events that go to a log and to metrics. */
export function faultEvents(log: Logger, metrics: Metrics): FaultEvents {
  const bounded = metrics.counter('postrider_fields_out_of_bounds', 'Fields that no part of Postrider writes so', [
    'field',
  ]);
  const faults = metrics.counter('postrider_internal_faults', 'Faults of our own, by what was being done', ['stage']);
  const dead = metrics
    .counter('postrider_given_up_after_faults', 'Deliveries given up after faults of our own')
    .with({});
  const unusable = metrics.counter('postrider_endpoints_unusable', 'Endpoints that cannot be prepared').with({});
  const internalFault = (stage: Stage, key: string, failures: number, error: unknown): void => {
    faults.with({ stage }).add();
    log.error({ stage, key, failures, error }, 'delivery.fault');
  };
  return {
    internalFault,
    loadFault: (key, error) => internalFault('read', key, 1, error),
    outOfBounds(delivery, fields) {
      for (const field of fields) bounded.with({ field }).add();
      log.warn({ ...idsOf(delivery), fields }, 'delivery.out-of-bounds');
    },
    faultsOver(partition, key, detail) {
      dead.add();
      log.error({ partition, key, detail }, 'delivery.dead');
    },
    endpointUnusable(endpoint, error) {
      unusable.add();
      log.error({ endpoint, error }, 'endpoint.unusable');
    },
    policyChanged: () => log.info({}, 'egress.policy-changed'),
    policyUnusable: (problem) => log.error({ problem }, 'egress.policy-unusable: the policy before it stays'),
  };
}
