import type { Filter } from '@postrider/contract/postrider/v1/subscription';
import { invalidArgument, PostriderError } from './errors.ts';
import { limits } from './limits.ts';

/** What a subscription asks for, as far as matching is concerned. */
export interface MatchableSubscription {
  readonly tenant: string;
  readonly subscriptionUid: string;
  readonly endpointUid: string;
  /** Patterns of event types, of which one must match. */
  readonly eventTypes: readonly string[];
  readonly filter?: Filter | undefined;
}

/** An endpoint that an event is for, and the subscriptions that say so; each once. */
export interface Match {
  readonly endpointUid: string;
  readonly subscriptionUids: readonly string[];
}

/**
 * Subscriptions by tenant and event type. Matching looks up the type and each of its prefixes and never walks over
 * subscriptions that cannot match. An event type is always taken literally, also when it holds a `*`.
 */
export interface MatchIndex {
  /** Subscriptions in the index. */
  readonly size: number;
  /**
   * Adds a subscription, or puts it in the place of the one with its uid. One that is refused matches nothing, and
   * neither does what it was before: a filter is never left out.
   * @throws PostriderError `filter_unsupported`, or `invalid_argument` for a pattern that is none
   */
  add(subscription: MatchableSubscription): void;
  /** Takes a subscription out. Answers whether it was there. */
  remove(subscriptionUid: string): boolean;
  /** The endpoints that an event of this type is for, in no order. */
  match(tenant: string, eventType: string): readonly Match[];
}

/** A pattern of event types: one type, all that begin with a text that ends in a dot, or all. */
export type TypePattern =
  | { readonly kind: 'exact'; readonly type: string }
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'all' };

/**
 * Reads `invoice.paid`, `invoice.*` or `*`.
 * @returns the pattern, or one sentence on what is wrong
 */
export function parseTypePattern(text: string): TypePattern | string {
  if (text === '') return 'it is empty';
  if (!text.isWellFormed() || /\p{Cc}/u.test(text)) return 'it holds a character that no event type may hold';
  if (Buffer.byteLength(text) > limits.eventTypeBytesMax) return `it is longer than ${limits.eventTypeBytesMax} bytes`;
  if (text === '*') return { kind: 'all' };
  const star = text.indexOf('*');
  if (star === -1) return { kind: 'exact', type: text };
  if (star === text.length - 1 && text.length > 2 && text.endsWith('.*')) {
    return { kind: 'prefix', prefix: text.slice(0, -1) };
  }
  return 'a `*` stands alone, or at the end after a dot, as in `invoice.*`';
}

/** Endpoint uid by subscription uid. */
type Bucket = Map<string, string>;

/** Buckets of one tenant, by pattern: a type, a prefix with its last dot and a `*`, or `*`. */
type Buckets = Map<string, Bucket>;

/** An index that holds nothing yet. */
export function createMatchIndex(): MatchIndex {
  const tenants = new Map<string, { readonly exact: Buckets; readonly wild: Buckets }>();
  const known = new Map<string, MatchableSubscription>();

  const remove = (subscriptionUid: string): boolean => {
    const old = known.get(subscriptionUid);
    if (!old) return false;
    known.delete(subscriptionUid);
    const buckets = tenants.get(old.tenant);
    if (!buckets) return false;
    for (const text of old.eventTypes) {
      const kind = text.endsWith('*') ? buckets.wild : buckets.exact;
      const bucket = kind.get(text);
      bucket?.delete(subscriptionUid);
      if (bucket?.size === 0) kind.delete(text);
    }
    if (buckets.exact.size + buckets.wild.size === 0) tenants.delete(old.tenant);
    return true;
  };
  const add = (subscription: MatchableSubscription): void => {
    const { tenant, subscriptionUid, endpointUid, eventTypes, filter } = subscription;
    remove(subscriptionUid);
    if (filter !== undefined) {
      const dialect = filter.dialect?.$case ?? 'unknown';
      throw new PostriderError('filter_unsupported', `subscription ${subscriptionUid}: dialect ${dialect}`);
    }
    checkPatterns(eventTypes);
    const buckets = tenants.get(tenant) ?? { exact: new Map(), wild: new Map() };
    tenants.set(tenant, buckets);
    known.set(subscriptionUid, { tenant, subscriptionUid, endpointUid, eventTypes: [...eventTypes] });
    for (const text of eventTypes) {
      const kind = text.endsWith('*') ? buckets.wild : buckets.exact;
      const bucket: Bucket = kind.get(text) ?? new Map();
      kind.set(text, bucket.set(subscriptionUid, endpointUid));
    }
  };
  const match = (tenant: string, eventType: string): readonly Match[] => {
    const buckets = tenants.get(tenant);
    if (!buckets) return [];
    const found = new Map<string, string[]>();
    collect(found, buckets.exact.get(eventType));
    if (buckets.wild.size > 0) {
      collect(found, buckets.wild.get('*'));
      for (let dot = eventType.indexOf('.'); dot !== -1; dot = eventType.indexOf('.', dot + 1)) {
        collect(found, buckets.wild.get(`${eventType.slice(0, dot + 1)}*`));
      }
    }
    return Array.from(found, ([endpointUid, subscriptionUids]) => ({ endpointUid, subscriptionUids }));
  };
  return {
    get size() {
      return known.size;
    },
    add,
    remove,
    match,
  };
}

function checkPatterns(eventTypes: readonly string[]): void {
  const violations = eventTypes.flatMap((text, index) => {
    const pattern = parseTypePattern(text);
    return typeof pattern === 'string' ? [{ field: `event_types[${index}]`, description: pattern }] : [];
  });
  if (eventTypes.length === 0) violations.push({ field: 'event_types', description: 'at least one is needed' });
  if (violations.length > 0) throw invalidArgument(violations);
}

function collect(found: Map<string, string[]>, bucket: Bucket | undefined): void {
  if (!bucket) return;
  for (const [subscriptionUid, endpointUid] of bucket) {
    const uids = found.get(endpointUid);
    if (!uids) found.set(endpointUid, [subscriptionUid]);
    else if (!uids.includes(subscriptionUid)) uids.push(subscriptionUid);
  }
}
