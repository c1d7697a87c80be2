/** What receivers were told decides which addresses are used: over real sockets of loopback, with a clock that is moved. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '@postrider/core';
import { onRequest, openEgress, rawEndpoint, realClock, requestTo, sendOne } from '../../testing/support.ts';
import { inCidr, parseAddress } from '../address.ts';
import { overlaps, parseSourceRange, withheldBecause, type AnnouncedRange } from './announced.ts';
import { parsePools } from './definition.ts';
import type { Egress, EgressResult } from '../index.ts';

const told = (result: EgressResult): string =>
  result.kind === 'failure' ? `${result.code} ${result.owner}` : `${result.status} ${result.sourceAddress}`;

function range(cidr: string, effectiveMs: number, retireMs?: number): AnnouncedRange {
  const parsed = parseSourceRange(cidr);
  assert.ok(parsed !== undefined, cidr);
  const retireTime = retireMs === undefined ? undefined : new Date(retireMs);
  return { range: parsed.range, effectiveTime: new Date(effectiveMs), retireTime };
}

/** Resolves once these of the pool's addresses, and no others, are usable. */
function untilProblems(egress: Egress, count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    if (egress.pools.states().find(({ name }) => name === 'p')?.problems.length === count) resolve();
  };
  const stop = egress.pools.onChange(look);
  look();
  return promise.finally(stop);
}

test(
  'an address is not used before its effective time, nor after it is retired, not even over a kept connection',
  { timeout: 20_000 },
  async () => {
    await using endpoint = await rawEndpoint((socket) =>
      onRequest(socket, () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')),
    );
    let now = Date.parse('2026-01-01T00:00:00Z');
    const start = now;
    const hour = 3_600_000;
    let announced = [range('127.0.0.2', start - hour), range('127.0.0.3', start + hour)];
    const definitions = { p: { kind: 'addresses', localAddresses: ['127.0.0.2', '127.0.0.3', '127.0.0.4'] } };
    await using egress = openEgress({
      clock: { ...realClock, now: () => now },
      pools: parsePools(JSON.stringify(definitions), () => assert.fail('no file is named')),
      announced: (pool) => (pool === 'p' ? announced : []),
      limits: { poolLookEveryMs: 5, idleSocketMs: 30_000 },
    });
    let keys = 0;
    const send = async (poolKey = `key-${(keys += 1)}`) =>
      told(await sendOne(egress, requestTo(endpoint.origin, { pool: 'p', poolKey })));
    assert.equal(await send('kept'), '200 127.0.0.2');
    for (let index = 0; index < 4; index++) assert.equal(await send(), '200 127.0.0.2');
    assert.deepEqual(egress.pools.states().find(({ name }) => name === 'p')?.problems, [
      '127.0.0.3: is announced for 2026-01-01T01:00:00.000Z and not before',
      '127.0.0.4: is not announced to receivers',
    ]);
    now = start + hour;
    await untilProblems(egress, 1);
    assert.deepEqual(new Set([await send(), await send()]), new Set(['200 127.0.0.2', '200 127.0.0.3']));
    // It is retired in an hour: it may be used until the last minute before that.
    announced = [range('127.0.0.2', start - hour, now + hour), range('127.0.0.3', start + hour)];
    egress.announcedChanged();
    assert.equal(await send('kept'), '200 127.0.0.2');
    now += hour - limits.addressDrainMs;
    await untilProblems(egress, 2);
    for (const key of ['kept', undefined, undefined]) assert.equal(await send(key), '200 127.0.0.3');
    // By force, and nothing is left: then nothing leaves.
    announced = announced.map((one) => ({ ...one, retireTime: new Date(now) }));
    egress.announcedChanged();
    assert.equal(await send(), 'pool_unavailable ours');
    assert.equal(egress.connections(), 0);
  },
);

test('of a source address that is not known, some address must be announced for now; without announcements all may', () => {
  const [before, within, after] = [999, 1_000, 90_000];
  const ranges = [range('192.0.2.0/28', 1_000, 150_000)];
  assert.match(withheldBecause(ranges, undefined, before) ?? '', /none of its announced addresses/);
  for (const source of [undefined, '192.0.2.0', '192.0.2.15']) {
    assert.equal(withheldBecause(ranges, source, within), null);
    assert.equal(withheldBecause([], source, within), null);
    assert.notEqual(withheldBecause(ranges, source, after), null);
  }
  assert.equal(withheldBecause(ranges, '192.0.2.16', within), 'is not announced to receivers');
  assert.equal(withheldBecause(ranges, '::ffff:192.0.2.1', within), 'is not announced to receivers');
  assert.equal(withheldBecause(ranges, '192.0.2.1', after), 'is retired');
});

test('a range has one spelling and one id, whatever it is written as', () => {
  const spellings = [
    ['192.0.2.7', '192.0.2.7/32', '192.0.2.7'],
    ['192.0.2.7/32', '192.0.2.7/32', '192.0.2.7'],
    ['192.0.2.0/28', '192.0.2.0/28', '192.0.2.0_28'],
    ['2001:0DB8::0:7', '2001:db8::7/128', '2001-db8--7'],
    ['2001:db8::/48', '2001:db8::/48', '2001-db8--_48'],
  ];
  for (const [text = '', cidr, id] of spellings) {
    const parsed = parseSourceRange(text);
    assert.deepEqual([parsed?.cidr, parsed?.id], [cidr, id]);
    assert.equal(parseSourceRange(parsed?.cidr ?? '')?.id, id);
  }
  const none = ['', '192.0.2', '192.0.2.7/33', '192.0.2.7/24', '0x7f.1', '2001:db8::1/48', 'example.com', '192.0.2.7/'];
  for (const text of none) assert.equal(parseSourceRange(text), undefined, text);
});

test('ranges overlap exactly when they have an address in common', () => {
  const address = fc.tuple(fc.constantFrom(192, 193), fc.integer({ min: 0, max: 3 }), fc.constant(0), fc.nat(255));
  const cidr = fc.tuple(address, fc.integer({ min: 8, max: 32 })).map(([parts, bits]) => {
    const number = parts.reduce((sum, part) => sum * 256 + part, 0);
    const size = 2 ** (32 - bits);
    const first = Math.floor(number / size) * size;
    const text = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.');
    const parsed = parseSourceRange(`${text}/${bits}`);
    assert.ok(parsed !== undefined, `${text}/${bits}`);
    return { ...parsed, first, last: first + size - 1 };
  });
  fc.assert(
    fc.property(cidr, cidr, (a, b) => {
      assert.equal(overlaps(a.range, b.range), a.first <= b.last && b.first <= a.last);
    }),
  );
  assert.ok(inCidr(parseAddress('192.0.2.1') ?? new Uint8Array(), range('192.0.2.0/24', 0).range));
});
