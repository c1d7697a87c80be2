import type { Customers } from '../customers.ts';
import type { Referee } from './referee.ts';

/** What a person on call does, and that it is heeded: a tenant that is held is sent nothing, and who is drained sends nothing. */
export interface ByHand {
  hold(tenant: string): void;
  release(tenant: string): void;
  drain(processId: string): void;
  /** A request for the tenant left its process (virtual ms). */
  left(processId: string, tenant: string, at: number): void;
}

export interface ByHandOptions {
  readonly customers: Pick<Customers, 'pause' | 'resume' | 'drain'>;
  readonly referee: Pick<Referee, 'problem'>;
  /** Virtual ms since the start. */
  readonly elapsed: () => number;
}

/** Everybody has read it by then, when nothing is wrong. */
const READ_MS = 5_000;
/** And has finished what was in flight. */
const DRAINED_MS = 60_000;

/** Nobody has done anything. */
export function createByHand({ customers, referee, elapsed }: ByHandOptions): ByHand {
  const heldFrom = new Map<string, number>();
  const drainedFrom = new Map<string, number>();
  return {
    hold(tenant) {
      heldFrom.set(tenant, elapsed() + READ_MS);
      customers.pause(tenant);
    },
    release(tenant) {
      heldFrom.delete(tenant);
      customers.resume(tenant);
    },
    drain(processId) {
      drainedFrom.set(processId, elapsed() + DRAINED_MS);
      customers.drain(processId);
    },
    left(processId, tenant, at) {
      if (at >= (heldFrom.get(tenant) ?? Infinity))
        referee.problem('sent-while-held', `${processId} sends to ${tenant}, which is held`);
      if (at >= (drainedFrom.get(processId) ?? Infinity))
        referee.problem('sent-while-drained', `${processId} sends to ${tenant}, and is drained`);
    },
  };
}
