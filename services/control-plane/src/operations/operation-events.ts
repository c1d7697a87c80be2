import type { Operation } from '@postrider/contract/postrider/v1/operation';
import type { Logger, Metrics } from '@postrider/runtime';

/** What happens to operations, told as metric and log line. */
export interface OperationEvents {
  /** What went on after its call has ended. */
  operationDone(operation: Pick<Operation, 'name' | 'tenant' | 'error' | 'createTime' | 'endTime'>): void;
}

/** A part of the control plane’s events. */
export function createOperationEvents(log: Logger, metrics: Metrics | undefined): OperationEvents {
  const done = metrics?.counter('postrider_operations_done', 'Operations that have ended, by how', ['outcome']);
  return {
    operationDone({ name, tenant, error, createTime, endTime }) {
      const outcome = error === undefined ? 'done' : 'failed';
      const durationMs = (endTime?.getTime() ?? 0) - (createTime?.getTime() ?? 0);
      log.info({ operation: name, tenant, outcome, durationMs }, 'operation.done');
      done?.with({ outcome }).add();
    },
  };
}
