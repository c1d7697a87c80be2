import { serverLimits } from '../server-limits.ts';
import type { AuditHead } from '@postrider/contract/postrider/v1/audit';
import type { Clock } from '@postrider/core';
import type { AuditEvents } from './audit-events.ts';

/** Is shown the head of the audit often, and tells people of it seldom: when it has moved, once in an hour, or `now`. */
export type HeadTeller = (head: AuditHead, now?: 'now') => void;

export function createHeadTeller(
  events: Pick<AuditEvents, 'auditAt' | 'auditHead'>,
  clock: Pick<Clock, 'monotonic'>,
): HeadTeller {
  let told = -1n;
  let toldAtMs = -Infinity;
  return (head, now) => {
    events.auditAt(head);
    if (head.sequence === told) return;
    if (now === undefined && clock.monotonic() - toldAtMs < serverLimits.auditHeadToldEveryMs) return;
    told = head.sequence;
    toldAtMs = clock.monotonic();
    events.auditHead(head);
  };
}
