import { TENANT, type BadInput } from './bad-input.ts';

const raw = (
  what: string,
  bytes: readonly number[] | Buffer,
  field: string,
  method: BadInput['method'] = 'CreateTenant',
): BadInput => ({
  ...{ what: `bytes: ${what}`, method, fields: [field] },
  request: Buffer.from(bytes),
});
/** A field of text or bytes, or a message; the length as two bytes, which stands for as much as one does. */
const field = (number: number, bytes: Buffer): Buffer => {
  const length = bytes.length;
  const digits = [(length & 127) | 128, ((length >> 7) & 127) | 128, (length >> 14) & 127];
  const key = number < 16 ? [number * 8 + 2] : [((number * 8 + 2) & 127) | 128, (number * 8 + 2) >> 7];
  return Buffer.concat([Buffer.from([...key, ...digits]), bytes]);
};
const name = (bytes: readonly number[]): Buffer =>
  Buffer.concat([Buffer.from([0x0a, bytes.length]), Buffer.from(bytes)]);
const nested = (depth: number): Buffer =>
  Array.from({ length: depth }).reduce<Buffer>((inner) => field(6, inner), Buffer.alloc(0));
const subscription = (inner: Buffer): Buffer =>
  Buffer.concat([field(1, Buffer.from(`${TENANT}/endpoints/one`)), field(3, inner)]);

/** What is no message of the contract: told by its field, and never taken for a fault of ours. */
export const badBytes: readonly BadInput[] = [
  raw('one zero', [0], ''),
  raw('only a key', [0x0a], ''),
  raw('a length beyond the end', [0x0a, 0x7f, 0x61], ''),
  raw('a length of four gigabytes', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], ''),
  raw(
    'a number without end',
    Array.from({ length: 11 }, () => 0xff),
    '',
  ),
  raw('a number that breaks off', [0x08, 0x80], 'tenant_id'),
  raw('a group', [0x0b, 0x0c], 'tenant_id'),
  raw('a wire type that there is not', [0x0f], 'tenant_id'),
  raw('a number where a text is', [0x08, 0x01], 'tenant_id'),
  raw('a fixed number where a text is', [0x0d, 1, 2, 3, 4], 'tenant_id'),
  raw('a number where a message is', [0x10, 0x01], 'tenant'),
  raw('a text where a number is', [0x0a, 0x01, 0x61], 'page_size', 'ListTenants'),
  raw('a field that nobody knows', [0x78, 0x01], '15'),
  raw('a field of a high number', [0xf8, 0xff, 0xff, 0xff, 0x0f, 0x01], '536870911'),
  raw('an unknown field inside', field(2, Buffer.from([0x78, 0x01])), 'tenant.15'),
  raw('a text inside that breaks off', field(2, Buffer.from([0x12, 0x05, 0x61])), ''),
  raw('a lone continuation byte', name([0x80]), 'tenant_id'),
  raw('a text that breaks off in a character', name([0xe2, 0x82]), 'tenant_id'),
  raw('an overlong slash', name([0xc0, 0xaf]), 'tenant_id'),
  raw('half of a surrogate pair', name([0xed, 0xa0, 0x80]), 'tenant_id'),
  raw('a character beyond Unicode', name([0xf4, 0x90, 0x80, 0x80]), 'tenant_id'),
  raw(
    'a label that is not UTF-8',
    field(2, field(3, Buffer.from([0x0a, 0x01, 0x61, 0x12, 0x01, 0xff]))),
    'tenant.labels[0].value',
  ),
  raw('a label’s key that is not UTF-8', field(2, field(3, Buffer.from([0x0a, 0x01, 0xff]))), 'tenant.labels[0].key'),
  raw(
    'an enum of the largest number',
    field(2, Buffer.from([0x48, 0xff, 0xff, 0xff, 0xff, 0x07])),
    'tenant.verification',
  ),
  raw(
    'a negative enum',
    field(2, Buffer.from([0x48, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])),
    'tenant.verification',
  ),
  raw('an enum of the next version', field(2, Buffer.from([0x48, 0x63])), 'tenant.verification'),
  raw(
    '33 messages within each other',
    subscription(field(4, nested(33))),
    `subscription.filter${'.not'.repeat(31)}`,
    'CreateSubscription',
  ),
  raw(
    '20,000 messages within each other',
    subscription(field(4, nested(20_000))),
    `subscription.filter${'.not'.repeat(31)}`,
    'CreateSubscription',
  ),
  raw(
    '100,000 event types',
    subscription(Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.from([0x1a, 1, 0x61])))),
    'subscription.event_types',
    'CreateSubscription',
  ),
  {
    ...{ what: 'bytes: more than a megabyte', method: 'CreateTenant', code: 'RESOURCE_EXHAUSTED' },
    request: Buffer.alloc(1_048_577, 0x61),
  },
];
