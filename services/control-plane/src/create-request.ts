import { PostriderError } from '@postrider/core';
import type { ConfigSnapshot } from '@postrider/config-view';

/** Of what an id follows from: the tenant's creation time keeps a later tenant of the same id apart. */
export function ofRequest(snapshot: ConfigSnapshot, tenantId: string, requestId: string): readonly string[] {
  return [tenantId, String(snapshot.tenant(tenantId)?.tenant?.createTime?.getTime()), requestId];
}

/**
 * The result of the first of repeated creations, if this is a repetition; null when it is the first. The uid of what a
 * request with a `request_id` creates follows from that id, so a repetition is known by it, also after a restart.
 * @param deleted whether an entity of that uid is known to have been deleted
 * @throws PostriderError `already_exists` when what the first one created is gone: uids are never used again
 */
export function createdBy<T>(requestId: string, existing: T | undefined, deleted: boolean): T | null {
  if (requestId === '') return null;
  if (existing !== undefined) return existing;
  if (!deleted) return null;
  throw new PostriderError('already_exists', 'what this request_id created has been deleted; use another request_id');
}

/**
 * Whoever asks for something else under the `request_id` of another creation would take its answer for his own. What can be
 * changed after a creation says nothing of the request that made it, so what cannot is compared.
 * @param asked with what it is, field by field; empty: left to the server
 * @throws PostriderError `request_id_reused` that names `request_id`
 */
export function checkSameRequest(asked: readonly (readonly [wanted: string, is: string])[]): void {
  if (asked.every(([wanted, is]) => wanted === '' || wanted === is)) return;
  const description = 'was used for another creation; give each its own';
  throw new PostriderError('request_id_reused', `request_id: ${description}`, {
    violations: [{ field: 'request_id', description }],
  });
}
