import { auditStart, createAuditCheck, invalidArgument } from '@postrider/core';
import { serverLimits } from '../server-limits.ts';
import { auditMatcher } from './filter.ts';
import type {
  ExportAuditEntriesRequest,
  ExportAuditEntriesResponse,
  VerifyAuditChainRequest,
  VerifyAuditChainResponse,
} from '@postrider/contract/postrider/v1/audit_service';
import type { AuditHead } from '@postrider/contract/postrider/v1/audit';
import type { AuditCheck } from '@postrider/core';
import type { ServiceContext, StreamMethod } from '../call.ts';

export function exportAuditEntries({
  audit,
}: ServiceContext): StreamMethod<ExportAuditEntriesRequest, ExportAuditEntriesResponse> {
  return async function* ({ filter, afterSequence }) {
    const matches = auditMatcher(filter);
    if (afterSequence < 0n) {
      throw invalidArgument([{ field: 'after_sequence', description: 'must not be negative' }]);
    }
    const range = await audit.range(filter?.startTime, filter?.endTime);
    const { until } = range;
    for (let { from } = range; from < until;) {
      const { found, next } = await audit.read({ from, until });
      for (const { entry, record } of found) {
        if (entry.sequence > afterSequence && matches(entry)) yield { auditEntry: entry, record };
      }
      from = next;
    }
  };
}

export function verifyAuditChain({
  audit,
}: ServiceContext): StreamMethod<VerifyAuditChainRequest, VerifyAuditChainResponse> {
  return async function* ({ pinned }) {
    checkPinned(pinned);
    const check = createAuditCheck(pinned);
    const { from, until } = await audit.range(undefined, undefined);
    let told = 0;
    for (let at = from; at < until && check.broken === null;) {
      const { records, next } = await audit.records({ from: at, until });
      for (const { value, offset } of records) check.take(value, offset);
      at = next;
      if (check.verified - told < serverLimits.auditVerifiedToldEvery) continue;
      told = check.verified;
      yield answerOf(check, false);
    }
    check.end();
    yield answerOf(check, true);
  };
}

function checkPinned(pinned: AuditHead | undefined): void {
  if (pinned === undefined) return;
  const isHead = pinned.sequence > 0n && pinned.hash.length === auditStart.hash.length;
  if (isHead) return;
  const description = 'must be the number and the hash (32 bytes) of an entry';
  throw invalidArgument([{ field: 'pinned', description }]);
}

function answerOf({ verified, first, head, broken }: AuditCheck, done: boolean): VerifyAuditChainResponse {
  return {
    verifiedCount: BigInt(verified),
    firstSequence: first?.sequence ?? 0n,
    firstTime: first?.time,
    head,
    broken: broken === null ? undefined : { ...broken, offset: BigInt(broken.offset) },
    done,
  };
}
