import type { AuditHead } from '@postrider/contract/postrider/v1/audit';
import type { Logger, Metrics } from '@postrider/runtime';

/** What happens to the audit. */
export interface AuditEvents {
  /** Its topic does not hold what was written to it, or not where it was. */
  auditLost(why: string): void;
  /** How far it goes now, for the metric. */
  auditAt(head: AuditHead): void;
  /** Its newest entry: for whoever keeps a copy of the hash elsewhere. */
  auditHead(head: AuditHead): void;
}

/** A part of the control plane's events. */
export function createAuditEvents(log: Logger, metrics: Metrics | undefined): AuditEvents {
  const losses = metrics?.counter(
    'postrider_audit_losses',
    'Times that the audit held less than was written to it',
    [],
  );
  let newest = 0;
  metrics?.gauge('postrider_audit_entries', 'Number of the newest entry of the audit, as its leader knows it', () => [
    [{}, newest],
  ]);
  return {
    auditLost(why) {
      losses?.with({}).add();
      log.error({ why }, 'audit.lost');
    },
    auditAt: ({ sequence }) => void (newest = Number(sequence)),
    auditHead: ({ sequence, hash }) =>
      log.info({ sequence: String(sequence), hash: hash.toString('hex') }, 'audit.head'),
  };
}
