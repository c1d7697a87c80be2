/** Requests that nobody thought of: from the descriptors, by a seed. */
import { create, toBinary, ScalarType } from '@bufbuild/protobuf';
import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';

/** A number from 0 up to 1, the same for the same seed (mulberry32). */
export type Random = () => number;

export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const texts = [
  ...[
    '',
    'a',
    'acme',
    'one',
    '-',
    '*',
    'tenants/acme',
    'tenants/-',
    'tenants/acme/endpoints/one',
    'egressPools/default',
  ],
  ...[
    'tenants/acme/endpoints/-',
    'tenants/acme/endpoints/one/subscriptions/one',
    'installation',
    'dispatchers/a',
    'prk_',
  ],
  ...[
    'https://hooks.acme.dev/in',
    'https://[::1]/',
    'user/a',
    'whsec_',
    '__proto__',
    '\u0000',
    'ü'.repeat(300),
    'x'.repeat(5_000),
  ],
  ...[
    '192.0.2.7',
    '2001:db8::/48',
    '{"type":"object"}',
    '{"$ref":"#"}',
    'name',
    'url',
    'eventTypes/a.b',
    '%s%n',
    '\ud7ff',
  ],
];
/** What often stands in fields of these names, so that more than names is tried. */
const likely: Readonly<Record<string, readonly string[]>> = {
  name: [
    ...['tenants/acme', 'tenants/acme/endpoints/one', 'tenants/acme/endpoints/one/subscriptions/one', 'installation'],
    ...['egressPools/default', 'apiKeys/other', 'roleBindings/one', 'eventTypes/a.b', 'dispatchers/one'],
    ...[`tenants/acme/endpoints/one/deliveries/dlv_${'0'.repeat(32)}`, 'egressPools/default/addresses/192.0.2.7'],
  ],
  parent: ['tenants/acme', 'tenants/acme/endpoints/one', 'tenants/-', 'egressPools/default', 'egressPools/-'],
  url: ['https://hooks.acme.dev/in'],
  etag: [''],
  page_token: [''],
  reason: ['a reason'],
  display_name: ['A name'],
  signing_secret: [''],
  profile: [''],
  egress_pool: [''],
  tenant: ['tenants/acme', ''],
  principal: ['user/a', 'api-key/test'],
  cidr: ['192.0.2.7'],
  event_types: ['a', '*', 'a.*'],
  paths: ['url', 'labels', 'display_name', 'limits', 'event_types', 'state', 'headers', '*'],
};
const numbers = [0, 1, -1, 7, 100, 599, 2_147_483_647, -2_147_483_648];

function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

/** The bytes of a random message of this type; a third of them broken somewhere. */
export function randomRequest(type: DescMessage, random: Random): Buffer {
  const bytes = Buffer.from(toBinary(type, randomMessage(type, random, 0)));
  return random() < 0.25 ? broken(bytes, random) : bytes;
}

function randomMessage(type: DescMessage, random: Random, depth: number): Message {
  const fields = type.fields.filter(
    (field) => random() < (depth === 0 || field.name === 'name' || field.name === 'url' ? 0.9 : 0.2),
  );
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    if (field.oneof !== undefined) {
      values[field.oneof.localName] = { case: field.localName, value: randomValue(field, random, depth) };
    } else values[field.localName] = randomField(field, random, depth);
  }
  return create(type, values as never);
}

function randomField(field: DescField, random: Random, depth: number): unknown {
  const count = Math.floor(random() * 4);
  if (field.fieldKind === 'list') return Array.from({ length: count }, () => randomValue(field, random, depth));
  if (field.fieldKind !== 'map') return randomValue(field, random, depth);
  return Object.fromEntries(
    Array.from({ length: count }, () => [pick(random, texts), randomValue(field, random, depth)]),
  );
}

function randomValue(field: DescField, random: Random, depth: number): unknown {
  const message = field.fieldKind === 'scalar' || field.fieldKind === 'enum' ? undefined : field.message;
  if (message !== undefined) return randomMessage(message, random, depth < 5 ? depth + 1 : 99);
  const kind = field.fieldKind === 'scalar' || field.fieldKind === 'enum' ? field : undefined;
  if (field.enum !== undefined) {
    const known = field.enum.values.map((value) => value.number);
    return pick(random, random() < 0.95 ? known : [99, -1]);
  }
  const usual = likely[field.name] ?? (field.name.endsWith('_id') ? ['', 'one', 'two'] : undefined);
  if (usual !== undefined && random() < 0.85) return pick(random, usual);
  return scalar(kind?.scalar ?? field.scalar ?? ScalarType.STRING, random);
}

function scalar(type: ScalarType, random: Random): unknown {
  const number = pick(random, numbers);
  switch (type) {
    case ScalarType.STRING:
      return pick(random, texts);
    case ScalarType.BYTES:
      return Buffer.from(pick(random, texts));
    case ScalarType.BOOL:
      return random() < 0.5;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return pick(random, [number, Number.NaN, Number.POSITIVE_INFINITY, 0.5]);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return Math.abs(number);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return pick(random, [BigInt(number), 2n ** 63n - 1n, -(2n ** 63n), 253_402_300_800n]);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return pick(random, [BigInt(Math.abs(number)), 2n ** 64n - 1n]);
    default:
      return number;
  }
}

function broken(bytes: Buffer, random: Random): Buffer {
  const at = Math.floor(random() * (bytes.length + 1));
  const noise = Buffer.from(Array.from({ length: 1 + Math.floor(random() * 6) }, () => Math.floor(random() * 256)));
  switch (Math.floor(random() * 4)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at + noise.length)]);
    default:
      return Buffer.concat([bytes, bytes]);
  }
}
