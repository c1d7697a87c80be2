import { AuditEntry } from '@postrider/contract/postrider/v1/audit';
import { AuditFilter } from '@postrider/contract/postrider/v1/audit_service';
import { invalidArgument } from '@postrider/core';
import { atMost } from '../at-most.ts';
import { sizeOf } from '../messages.ts';
import { pageSizeOf } from '../paging.ts';
import { found } from '../reject.ts';
import { serverLimits } from '../server-limits.ts';
import { auditMatcher } from './filter.ts';
import { sequenceOf } from './log.ts';
import type {
  GetAuditEntryRequest,
  ListAuditEntriesRequest,
  ListAuditEntriesResponse,
} from '@postrider/contract/postrider/v1/audit_service';
import type { Method, ServiceContext } from '../call.ts';
import type { AuditLog, AuditRange } from './log.ts';

/** So many at once for all callers together: each reads stretches of the topic. */
const bounded = atMost(
  serverLimits.auditReadsMax,
  <T>(read: () => Promise<T>): Promise<unknown> => read(),
  'the audit is being read by too many; try again later',
) as <T>(read: () => Promise<T>) => Promise<T>;

export function getAuditEntry({ audit }: ServiceContext): Method<GetAuditEntryRequest, AuditEntry> {
  return async ({ name }) => {
    const sequence = sequenceOf(name);
    if (sequence === null) {
      throw invalidArgument([{ field: 'name', description: 'must have the form auditEntries/{number}' }]);
    }
    return found((await bounded(() => audit.find(sequence)))?.entry, name);
  };
}

export function listAuditEntries(context: ServiceContext): Method<ListAuditEntriesRequest, ListAuditEntriesResponse> {
  const { audit, pageTokens } = context;
  return async ({ filter, orderBy, pageSize, pageToken }) => {
    const matches = auditMatcher(filter);
    const isNewestFirst = readOrder(orderBy);
    const size = pageSizeOf(pageSize);
    const asked = filter === undefined ? '' : JSON.stringify(AuditFilter.toJSON(filter));
    const list = { method: 'ListAuditEntries', parent: `${isNewestFirst} ${asked}` };
    const after = pageTokens.read(list, pageToken);
    const page = await bounded(async () => {
      const whole = await audit.range(filter?.startTime, filter?.endTime);
      const range = after === '' ? whole : narrowed(whole, Number(after), isNewestFirst);
      return readPage(audit, range, { isNewestFirst, size, matches });
    });
    const nextPageToken = page.next === null ? '' : pageTokens.issue(list, String(page.next));
    return { auditEntries: page.entries, nextPageToken };
  };
}

function readOrder(orderBy: string): boolean {
  if (orderBy === '' || orderBy === 'time desc') return true;
  if (orderBy === 'time') return false;
  throw invalidArgument([{ field: 'order_by', description: 'must be time or time desc' }]);
}

/** What of the range is left behind a page that ended at this offset. */
function narrowed({ from, until }: AuditRange, at: number, isNewestFirst: boolean): AuditRange {
  return isNewestFirst ? { from, until: Math.min(until, at) } : { from: Math.max(from, at), until };
}

interface Asked {
  readonly isNewestFirst: boolean;
  readonly size: number;
  readonly matches: (entry: AuditEntry) => boolean;
}

/** Entries until the page is full, or enough was looked through; `next`: where the next page begins, null behind the last. */
async function readPage(
  audit: AuditLog,
  range: AuditRange,
  { isNewestFirst, size, matches }: Asked,
): Promise<{ readonly entries: AuditEntry[]; readonly next: number | null }> {
  const entries: AuditEntry[] = [];
  let { from, until } = range;
  let bytes = 0;
  const most = serverLimits.auditLookedThroughMax;
  while (from < until) {
    if (until - from <= range.until - range.from - most) return { entries, next: isNewestFirst ? until : from };
    const stretch = isNewestFirst ? await audit.readBack({ from, until }) : await audit.read({ from, until });
    for (const { entry, offset } of isNewestFirst ? stretch.found.toReversed() : stretch.found) {
      if (!matches(entry)) continue;
      bytes += sizeOf(AuditEntry, entry);
      const isFull = entries.length === size || (entries.length > 0 && bytes > serverLimits.pageBytesMax);
      if (isFull) return { entries, next: isNewestFirst ? offset + 1 : offset };
      entries.push(entry);
    }
    if (isNewestFirst) until = stretch.next;
    else from = stretch.next;
  }
  return { entries, next: null };
}
