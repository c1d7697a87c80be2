import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { enumNumbers, enumTable } from './enum-table.ts';

const byNumber = enumTable(DeadReason);
const numbers = enumNumbers(DeadReason);

/** The number of a reason on the wire, never 0: that says that nothing was given up. */
export function deadReasonNumber(reason: DeadReason): number {
  return numbers.get(reason) || (numbers.get(DeadReason.EXHAUSTED) as number);
}

/** The reason of a number on the wire. One that this version does not know still says that the delivery was given up. */
export function deadReasonOf(number: number): DeadReason {
  return byNumber[number] ?? DeadReason.EXHAUSTED;
}
