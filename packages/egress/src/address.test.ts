import assert from 'node:assert/strict';
import { BlockList, isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { inCidr, judgeAddress, parseAddress, parseCidr, receiverBlock } from './address.ts';
import { createPolicy, type PolicyOptions } from './policy.ts';

function judge(text: string, options: PolicyOptions = {}): string {
  const bytes = parseAddress(text);
  assert.ok(bytes, `${text} does not parse`);
  return judgeAddress(bytes, createPolicy(options)).verdict;
}

const ipv4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
const groups = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 });
const hex = (values: readonly number[]): string => values.map((value) => value.toString(16)).join(':');

test('IPv4 round-trips and everything Node calls an IPv4 address parses', () => {
  fc.assert(fc.property(ipv4, (parts) => assert.deepEqual([...(parseAddress(parts.join('.')) ?? [])], parts)));
});

test('all spellings of an IPv6 address give the same bytes', () => {
  fc.assert(
    fc.property(groups, fc.nat(7), fc.integer({ min: 1, max: 8 }), (values, from, count) => {
      const to = Math.min(8, from + count);
      const zeroed = values.map((value, index) => (index >= from && index < to ? 0 : value));
      const full = parseAddress(hex(zeroed));
      const short = `${hex(zeroed.slice(0, from))}::${hex(zeroed.slice(to))}`;
      const padded = zeroed.map((value) => value.toString(16).padStart(4, '0').toUpperCase()).join(':');
      const [a = 0, b = 0] = zeroed.slice(6);
      const dotted = `${hex(zeroed.slice(0, 6))}:${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`;
      assert.ok(full);
      for (const text of [short, padded, dotted]) assert.deepEqual(parseAddress(text), full, text);
    }),
  );
});

test('what parses is an address for Node, and the other way round unless it has a zone', () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom('0', '1', '2', '5', 'f', '.', ':', '::', 'ffff'), maxLength: 12 }),
    fc.string({ maxLength: 12 }),
  );
  fc.assert(
    fc.property(text, (value) =>
      assert.equal(parseAddress(value) !== undefined, isIP(value) !== 0 && !value.includes('%'), value),
    ),
    { numRuns: 20_000 },
  );
});

for (const text of [
  '',
  '1.2.3',
  '01.2.3.4',
  '1.2.3.256',
  '1.2.3.4.',
  '0x7f.0.0.1',
  ':::',
  '1::2::3',
  'fe80::1%eth0',
  '1.2.3.4::',
  '::1.2.3',
  '12345::',
  ':1::',
]) {
  test(`not an address: ${JSON.stringify(text)}`, () => assert.equal(parseAddress(text), undefined));
}

for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.1/8', '::/129', 'x/8', '10.0.0.0/08', '/8']) {
  test(`not a range: ${text}`, () => assert.equal(parseCidr(text), undefined));
}

test('a receiver is an IPv4 address, or the /64 of an IPv6 address, however that is written', () => {
  for (const text of ['192.0.2.7', '::ffff:192.0.2.7', '::ffff:c000:207', '0:0:0:0:0:FFFF:c000:207'])
    assert.equal(receiverBlock(text), '192.0.2.7', text);
  for (const text of ['2606:4700::1', '2606:4700:0:0:ffff::2', '2606:4700:0::8.8.8.8']) {
    assert.equal(receiverBlock(text), '2606:4700:0:0::/64', text);
  }
  assert.equal(receiverBlock('2606:4700:0:1::1'), '2606:4700:0:1::/64');
  assert.equal(receiverBlock('hook.example.com'), null);
});

test('a range holds exactly what a block list of Node holds', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        ipv4.map((parts) => parts.join('.')),
        groups.map(hex),
      ),
      fc.nat(128),
      fc.nat(128),
      (base, bits, flip) => {
        const bytes = parseAddress(base);
        assert.ok(bytes);
        const size = bytes.length * 8;
        const prefix = bits % (size + 1);
        const other = Uint8Array.from(bytes);
        const bit = flip % size;
        other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (128 >> (bit & 7));
        const list = new BlockList();
        const family = size === 32 ? 'ipv4' : 'ipv6';
        list.addSubnet(base, prefix, family);
        const text =
          size === 32
            ? other.join('.')
            : hex(Array.from({ length: 8 }, (_, i) => ((other[2 * i] ?? 0) << 8) | (other[2 * i + 1] ?? 0)));
        assert.equal(inCidr(other, { bytes, bits: prefix }), list.check(text, family), `${text} in ${base}/${prefix}`);
      },
    ),
  );
});

const denied = [
  '0.0.0.0',
  '0.255.255.255',
  '10.0.0.0',
  '10.255.255.255',
  '100.64.0.0',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.255',
  '168.63.129.16',
  '169.254.0.0',
  '169.254.255.255',
  '172.16.0.0',
  '172.31.255.255',
  '192.0.0.0',
  '192.0.0.255',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.0.0',
  '192.168.255.255',
  '198.18.0.0',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.255',
  '224.0.0.0',
  '240.0.0.0',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:8.8.8.8',
  '::8.8.8.8',
  '64:ff9b::8.8.8.8',
  '100::1',
  '1fff:ffff::1',
  '2001::1',
  '2001:1ff:ffff::1',
  '2001:db8::1',
  '2002:808:808::1',
  '3fff::1',
  '4000::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fec0::1',
  'ff02::1',
];
const allowed = [
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '168.63.129.15',
  '168.63.129.17',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2001:200::1',
  '2001:db7::1',
  '2001:db9::1',
  '2003::1',
  '2606:4700::1111',
  '3ffe:ffff::1',
];
for (const text of denied) test(`denied: ${text}`, () => assert.equal(judge(text), 'deny'));
for (const text of allowed) test(`allowed: ${text}`, () => assert.equal(judge(text), 'allow'));

test('a forbidden IPv4 address is forbidden in every form that embeds it', () => {
  const forbidden = ipv4.filter((parts) => judge(parts.join('.')) === 'deny');
  fc.assert(
    fc.property(forbidden, ([a, b, c, d]) => {
      const tail = `${a}.${b}.${c}.${d}`;
      const [high, low] = [((a << 8) | b).toString(16), ((c << 8) | d).toString(16)];
      for (const text of [
        `::ffff:${tail}`,
        `::${tail}`,
        `::ffff:0:${tail}`,
        `64:ff9b::${tail}`,
        `64:ff9b:1::${tail}`,
        `2002:${high}:${low}::1`,
        `2001:0:${high}:${low}::`,
        `fe80::5efe:${tail}`,
      ]) {
        assert.equal(judge(text), 'deny', text);
      }
      const nat64 = { nat64Prefixes: ['64:ff9b::/96'], allowLoopback: true };
      assert.equal(judge(`64:ff9b::${tail}`, nat64), 'deny');
    }),
  );
});

test('no allowed range opens loopback, link-local or metadata addresses', () => {
  const open = { allowCidrs: ['0.0.0.0/0', '::/0'] };
  for (const text of [
    '127.0.0.1',
    '0.0.0.0',
    '169.254.169.254',
    '168.63.129.16',
    '100.100.100.200',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    'fd00:ec2::254',
    'fe80::1',
    '224.0.0.1',
  ]) {
    assert.equal(judge(text, open), 'deny', text);
  }
  for (const text of ['10.1.2.3', '100.64.0.1', 'fd12::1']) assert.equal(judge(text, open), 'allow', text);
});

test('loopback opens for a laptop, and nothing that only leads there', () => {
  const laptop = { allowLoopback: true };
  for (const text of ['127.0.0.1', '127.9.9.9', '::1']) assert.equal(judge(text, laptop), 'allow', text);
  for (const text of ['0.0.0.0', '::', '::ffff:127.0.0.1', '::127.0.0.1', '10.0.0.1'])
    assert.equal(judge(text, laptop), 'deny', text);
});

test('a range of the operator is denied even where it is public or allowed', () => {
  assert.equal(judge('8.8.8.8', { denyCidrs: ['8.8.8.0/24'] }), 'deny');
  assert.equal(judge('10.1.1.1', { denyCidrs: ['10.1.0.0/16'], allowCidrs: ['10.0.0.0/8'] }), 'deny');
});
