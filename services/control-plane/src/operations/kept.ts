import { parseFlatName } from '../names.ts';
import { serverLimits } from '../server-limits.ts';
import type { OperationConfig } from '@postrider/contract/postrider/v1/config';
import type { Operation } from '@postrider/contract/postrider/v1/operation';

/** The id in an operation's name. */
export function idOf({ name }: Pick<Operation, 'name'>): string {
  return parseFlatName(name, 'operations', 'name');
}

/**
 * Ids of operations that are kept no more: done for too long, or too many are done that ended later. What is not done is kept.
 * @param nowMs ms since the Unix epoch
 */
export function idsToForget(
  operations: Iterable<Pick<OperationConfig, 'operation'>>,
  nowMs: number,
): readonly string[] {
  const done = Array.from(operations, ({ operation }) => operation)
    .filter((operation) => operation?.done === true)
    .map((operation) => ({ id: idOf(operation as Operation), endedAt: operation?.endTime?.getTime() ?? 0 }))
    .toSorted((a, b) => b.endedAt - a.endedAt);
  const isOld = (endedAt: number): boolean => nowMs - endedAt >= serverLimits.operationKeptMs;
  return done.filter(({ endedAt }, at) => at >= serverLimits.operationsKeptMax || isOld(endedAt)).map(({ id }) => id);
}
