import { hash } from 'node:crypto';
import { PostriderError } from './errors.ts';
import { limits } from './limits.ts';

/** Randomness as a dependency: `bytes` unpredictable bytes. The real one is `randomBytes` of `node:crypto`. */
export type RandomBytes = (bytes: number) => Buffer;

/** Prefixes of uids: tenant, endpoint, subscription, signing secret, API key, data key, run, role binding, operation. */
export type UidPrefix = 'ten' | 'ep' | 'sub' | 'sec' | 'key' | 'dek' | 'run' | 'rb' | 'op';

const ID_BYTES = 16;

/**
 * The `webhook-id` of an event: the same on every attempt, resend and replay, for every endpoint. It is a hash because
 * the id of an event is chosen by others: the signed text `id.timestamp.body` is ambiguous if an id may hold a dot.
 */
export function webhookId(tenant: string, source: string, eventId: string): string {
  return `msg_${hash128('webhook', [tenant, source, eventId])}`;
}

/** The id of a delivery. Computing it twice gives the same id. */
export function deliveryId(webhook: string, endpointUid: string): string {
  return `dlv_${hash128('delivery', [webhook, endpointUid])}`;
}

// As the contract says of tenants.
const tenantForm = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether a text may be the id of a tenant: 1–63 characters of a–z, 0–9 and -, from a letter, not ending with a dash. */
export function isTenantId(text: string): boolean {
  return tenantForm.test(text);
}

/** The id of an operational event: copies of one event bear the same id. */
export function operationId(type: string, endpointUid: string, occasion: readonly string[]): string {
  return `opr_${hash128('operation', [type, endpointUid, ...occasion])}`;
}

/** A new attempt id, unique. */
export function attemptId(random: RandomBytes): string {
  return `att_${random(ID_BYTES).toString('hex')}`;
}

/** A new uid, never used again, for example `ep_` and 32 hexadecimal digits. */
export function newUid(prefix: UidPrefix, random: RandomBytes): string {
  return `${prefix}_${random(ID_BYTES).toString('hex')}`;
}

/** A uid that is a function of `parts`: the same request gives the same uid, however often it is repeated. */
export function derivedUid(prefix: UidPrefix, parts: readonly string[]): string {
  return `${prefix}_${hash128(`uid/${prefix}`, parts)}`;
}

/** The endpoint's slot, 0 to 4095. Never changes for an endpoint, whatever the layout. */
export function slotOf(endpointUid: string): number {
  return hash32(endpointUid) % limits.slots;
}

/**
 * The partition of an endpoint's deliveries, rows and dead letters.
 * @param partitions the layout record's count, never the broker's
 * @throws PostriderError `layout_invalid`
 */
export function partitionOf(endpointUid: string, partitions: number): number {
  if (partitions > limits.slots) throw layoutInvalid(partitions);
  return slotOf(endpointUid) % checkedCount(partitions);
}

/**
 * The partition of a record that only needs to be spread evenly and stably, for example an attempt by its delivery id.
 * @throws PostriderError `layout_invalid`
 */
export function partitionOfKey(text: string, partitions: number): number {
  return hash32(text) % checkedCount(partitions);
}

/**
 * Key of a delivery's row in the retry tiers, and the identity of work: (delivery id, run).
 * @param run the run or its id; absent or of empty id: the first run
 */
export function workKey(delivery: string, run: string | { readonly id: string } | undefined): string {
  const runId = typeof run === 'string' ? run : (run?.id ?? '');
  return runId === '' ? delivery : `${delivery}/${runId}`;
}

/**
 * First 128 bits of SHA-256, as 32 hexadecimal digits. Every part is preceded by its length in bytes, so that no two
 * lists of parts are hashed as the same text; `domain` keeps ids of different kinds apart.
 */
function hash128(domain: string, parts: readonly string[]): string {
  let text = domain;
  for (const part of parts) {
    text += part.isWellFormed()
      ? `|${Buffer.byteLength(part)}|${part}`
      : // Half a surrogate pair has no UTF-8 form: all of them would hash alike.
        `|u${part.length}|${Buffer.from(part, 'utf16le').toString('hex')}`;
  }
  return hash('sha256', text, 'hex').slice(0, ID_BYTES * 2);
}

/** First 64 bits of SHA-256 over a text; `domain`, which holds no colon, keeps hashes of different kinds apart. */
export function hash64(domain: string, text: string): bigint {
  return BigInt(`0x${hash('sha256', `${domain}:${text}`, 'hex').slice(0, 16)}`);
}

/**
 * 32-bit FNV-1a over the UTF-8 bytes, then the finalizer of MurmurHash3 (FNV alone leaves the low bits, which choose the
 * slot, too regular). It is part of the data format: it decides where records lie.
 */
function hash32(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return finish(fnvBytes(Buffer.from(text, 'utf8')));
    state = Math.imul(state ^ unit, 0x01000193);
  }
  return finish(state);
}

function fnvBytes(bytes: Uint8Array): number {
  let state = 0x811c9dc5;
  for (const byte of bytes) state = Math.imul(state ^ byte, 0x01000193);
  return state;
}

function finish(state: number): number {
  let value = state ^ (state >>> 16);
  value = Math.imul(value, 0x85ebca6b);
  value ^= value >>> 13;
  value = Math.imul(value, 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

function checkedCount(partitions: number): number {
  if (!Number.isInteger(partitions) || partitions < 1) throw layoutInvalid(partitions);
  return partitions;
}

function layoutInvalid(partitions: number): PostriderError {
  return new PostriderError(
    'layout_invalid',
    `partition count ${partitions} is not a whole number of 1–${limits.slots}`,
  );
}
