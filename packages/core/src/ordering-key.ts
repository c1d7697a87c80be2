import type { EventAttributes } from '@postrider/contract/postrider/v1/delivery';
import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import { type Ordering, OnExhausted } from '@postrider/contract/postrider/v1/endpoint';
import type { FieldViolation } from './errors.ts';
import { isAttributeName } from './event-rules.ts';
import { hash64 } from './ids.ts';
import { limits } from './limits.ts';

/** An event as far as an ordering key may stand in it. */
export interface KeyedEvent {
  readonly attributes: EventAttributes;
  /** Its data as JSON, parsed when it is first asked for; undefined when it is none. */
  readonly data: () => unknown;
}

/** Answers the hash of the ordering key of an event. */
export type OrderingKey = (event: KeyedEvent) => bigint;

const DATA = 'data';
/** Names that mean something else than a member to whoever walks objects carelessly; no key is worth that. */
const refusedMembers = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * What is wrong with an endpoint's ordering, all of it; nothing for one that may be obeyed.
 * @param field path of the ordering in the request, for example `endpoint.ordering`
 */
export function validateOrdering(ordering: Ordering | undefined, field = 'ordering'): FieldViolation[] {
  if (ordering === undefined) return [];
  const violations: FieldViolation[] = [];
  const report = (part: string, description: string): void =>
    void violations.push({ field: `${field}.${part}`, description });
  const { mode, key, onExhausted } = ordering;
  const unknown = 'has a value that this version does not know';
  if (mode === OrderingMode.UNRECOGNIZED) report('mode', unknown);
  else if (mode === OrderingMode.KEY) {
    const problem = problemOfKey(key);
    if (problem !== null) report('key', problem);
  } else if (key !== '') report('key', 'must be empty unless mode is ORDERING_MODE_KEY');
  if (onExhausted === OnExhausted.UNRECOGNIZED) report('on_exhausted', unknown);
  const keepsOrder = mode !== OrderingMode.UNSPECIFIED && mode !== OrderingMode.NONE;
  if (onExhausted === OnExhausted.STOP && !keepsOrder) {
    report(
      'on_exhausted',
      'ON_EXHAUSTED_STOP stops an order, and none is kept: set the mode too, or ON_EXHAUSTED_SKIP',
    );
  }
  return violations;
}

/**
 * Reads where a key stands, once for all events. The value of an attribute, or a text, number or boolean found in the
 * data, is the key; an event that has none there, or whose data is no JSON, has the empty key: such events share one order.
 * Members are looked for among an object's own only.
 */
export function compileOrderingKey(key: string): OrderingKey {
  const [first = '', ...members] = key.split('.');
  if (first === DATA) return ({ data }) => orderingKeyHash(keyText(memberOf(data(), members)));
  const attribute = attributesByName.get(first);
  return ({ attributes }) =>
    orderingKeyHash(attribute === undefined ? extensionOf(attributes, first) : attribute(attributes));
}

/** Hash of an ordering key. It is part of the data format: it decides what waits for what. */
export function orderingKeyHash(key: string): bigint {
  return hash64('ordering', key);
}

function problemOfKey(key: string): string | null {
  if (key === '') return 'must be set when mode is ORDERING_MODE_KEY';
  if (!key.isWellFormed() || /\p{Cc}/u.test(key)) return 'holds a character that no name may hold';
  if (Buffer.byteLength(key) > limits.orderingKeyBytesMax) {
    return `is longer than ${limits.orderingKeyBytesMax} bytes`;
  }
  const [first = '', ...members] = key.split('.');
  if (members.length > limits.orderingKeyDepthMax) return `has more than ${limits.orderingKeyDepthMax} members`;
  if (members.includes('')) return 'has a member without a name';
  const refused = members.find((member) => refusedMembers.has(member));
  if (refused !== undefined) return `must not hold the member ${refused}`;
  if (first === DATA) return null;
  if (members.length > 0 || !isAttributeName(first)) {
    return 'must be the name of an attribute, such as `subject`, or a path that begins with `data`, such as `data.customer.id`';
  }
  return null;
}

/** Attributes that events have by name; all others are extensions. */
const attributesByName: ReadonlyMap<string, (attributes: EventAttributes) => string> = new Map([
  ['id', ({ id }) => id],
  ['source', ({ source }) => source],
  ['type', ({ type }) => type],
  ['subject', ({ subject }) => subject],
  ['time', ({ time }) => time],
  ['datacontenttype', ({ contentType }) => contentType],
  ['dataschema', ({ dataSchema }) => dataSchema],
]);

function extensionOf({ extensions }: EventAttributes, name: string): string {
  return (Object.hasOwn(extensions, name) ? extensions[name] : undefined) ?? '';
}

function memberOf(data: unknown, members: readonly string[]): unknown {
  let value = data;
  for (const member of members) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, member)) return undefined;
    // A list has a length of its own, which is no element of it.
    if (Array.isArray(value) && !/^[0-9]+$/.test(member)) return undefined;
    value = (value as Record<string, unknown>)[member];
  }
  return value;
}

function keyText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
