import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EgressAddressConfig } from '@postrider/contract/postrider/v1/config';
import { withheldBecause } from '@postrider/egress';
import { followAnnounced } from './announced-addresses.ts';
import type { ConfigChange, ConfigSnapshot, ConfigView } from '@postrider/config-view';

/** A view whose announced addresses are what the test says. */
function viewOf(addresses: EgressAddressConfig[]) {
  const listeners = new Set<Parameters<ConfigView['onChange']>[0]>();
  const snapshot = { egressAddresses: () => addresses } as Partial<ConfigSnapshot> as ConfigSnapshot;
  const view: Pick<ConfigView, 'snapshot' | 'onChange'> = {
    snapshot: () => snapshot,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const tell = (kind: ConfigChange['kind']): void => {
    for (const listener of listeners) listener([{ kind, id: 'x' } as ConfigChange], snapshot);
  };
  return { view, tell, listeners };
}

function announced(pool: string, cidr: string, effectiveMs: number): EgressAddressConfig {
  const name = `egressPools/${pool}/addresses/x`;
  return EgressAddressConfig.fromPartial({ address: { name, cidr, effectiveTime: new Date(effectiveMs) } });
}

test('each pool has what was announced for it, from the next record on; what cannot be read allows nothing', () => {
  const addresses = [announced('a', '192.0.2.7/32', 1_000), announced('a', 'nonsense', 0)];
  const { view, tell, listeners } = viewOf(addresses);
  const followed = followAnnounced(view);
  let told = 0;
  followed.onChange(() => (told += 1));
  const why = (pool: string, source: string, now: number) => withheldBecause(followed.of(pool), source, now);
  assert.match(why('a', '192.0.2.7', 999) ?? '', /not before/);
  assert.equal(why('a', '192.0.2.7', 1_000), null);
  assert.equal(why('a', '192.0.2.8', 1_000), 'is not announced to receivers');
  assert.equal(why('b', '192.0.2.8', 1_000), null);
  addresses.push(announced('b', '198.51.100.0/24', 0));
  tell('tenant');
  assert.equal(told, 0);
  tell('egress-address');
  assert.equal(told, 1);
  assert.equal(why('b', '192.0.2.8', 1_000), 'is not announced to receivers');
  assert.equal(why('b', '198.51.100.9', 1_000), null);
  followed[Symbol.dispose]();
  assert.equal(listeners.size, 0);
});

test('a pool of which only what cannot be read was announced leaves from nowhere', () => {
  const { view } = viewOf([announced('a', 'nonsense', 0)]);
  assert.notEqual(withheldBecause(followAnnounced(view).of('a'), '192.0.2.7', 1_000), null);
});
