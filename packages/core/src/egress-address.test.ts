import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EgressAddress, EgressAddressState } from '@postrider/contract/postrider/v1/egress';
import { addressState, egressAddressId, mayLeaveFrom, nextAddressChange } from './egress-address.ts';
import { ADDRESSES_CHANGING, encodeAddressesChanging } from './egress-changing.ts';
import { limits } from './limits.ts';

const at = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms));
const times = (effective: number | undefined, retire?: number) => ({
  effectiveTime: at(effective),
  retireTime: at(retire),
});

test('the state follows from the times: announced, active, retiring, retired', () => {
  const kept = times(1_000);
  const leaving = times(1_000, 2_000);
  const rows = [
    [kept, 999, EgressAddressState.ANNOUNCED],
    [kept, 1_000, EgressAddressState.ACTIVE],
    [leaving, 999, EgressAddressState.ANNOUNCED],
    [leaving, 1_000, EgressAddressState.RETIRING],
    [leaving, 1_999, EgressAddressState.RETIRING],
    [leaving, 2_000, EgressAddressState.RETIRED],
    [times(3_000, 2_000), 2_000, EgressAddressState.RETIRED],
    [times(undefined), 2_000, EgressAddressState.ANNOUNCED],
  ] as const;
  for (const [given, now, state] of rows) assert.equal(addressState(given, now), state, `${now}`);
});

test('what may be used is active or retiring, and not in the last minute of that', () => {
  const moment = fc.nat({ max: 10 * limits.addressDrainMs });
  fc.assert(
    fc.property(
      fc.option(moment, { nil: undefined }),
      fc.option(moment, { nil: undefined }),
      moment,
      (from, to, now) => {
        const given = times(from, to);
        const used: readonly EgressAddressState[] = [EgressAddressState.ACTIVE, EgressAddressState.RETIRING];
        const late = to !== undefined && now >= to - limits.addressDrainMs;
        assert.equal(mayLeaveFrom(given, now), used.includes(addressState(given, now)) && !late);
      },
    ),
  );
});

test('the next change is the first moment at which the state is another one', () => {
  const moment = fc.nat({ max: 40 });
  fc.assert(
    fc.property(
      fc.option(moment, { nil: undefined }),
      fc.option(moment, { nil: undefined }),
      moment,
      (from, to, now) => {
        const given = times(from, to);
        let next: number | null = null;
        for (let later = now + 1; later <= 41 && next === null; later++)
          if (addressState(given, later) !== addressState(given, now)) next = later;
        assert.equal(nextAddressChange(given, now), next);
      },
    ),
  );
});

test('only a name of an address has an id', () => {
  assert.equal(egressAddressId('egressPools/p/addresses/192.0.2.7'), 'p/192.0.2.7');
  for (const name of ['', 'egressPools/p', 'egressPools//addresses/a', 'egressPools/p/addresses/', 'x/p/addresses/a'])
    assert.equal(egressAddressId(name), null);
});

test('an announced change is told under one id, however often', () => {
  const address = EgressAddress.fromPartial({
    ...{ name: 'egressPools/p/addresses/192.0.2.7', cidr: '192.0.2.7/32', revision: '7' },
    ...{ updateTime: new Date(0), effectiveTime: new Date(86_400_000) },
  });
  const text = (one: EgressAddress) => {
    const { key, value, headers } = encodeAddressesChanging(one);
    return {
      key: key.toString(),
      value: value.toString(),
      id: headers['ce_id']?.toString(),
      type: headers['ce_type']?.toString(),
    };
  };
  const told = text(address);
  assert.deepEqual([told.key, told.type], ['egressPools/p', ADDRESSES_CHANGING]);
  assert.deepEqual(JSON.parse(told.value), {
    ...{ egressPool: 'egressPools/p', name: address.name, cidr: '192.0.2.7/32', state: 'ANNOUNCED' },
    ...{ effectiveTime: '1970-01-02T00:00:00.000Z', retireTime: null, revision: '7' },
  });
  assert.deepEqual(text(address), told);
  assert.notEqual(text({ ...address, revision: '8' }).id, told.id);
});
