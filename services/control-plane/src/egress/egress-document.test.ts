import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEgressDocument } from './egress-document.ts';
import type { ConfigSnapshot } from '@postrider/config-view';

test('before anything is announced the page names the pools, and no time of a change', () => {
  const snapshot = { egressAddresses: () => [] } as unknown as ConfigSnapshot;
  const view = { snapshot: () => snapshot };
  const { body } = createEgressDocument({ view, pools: ['plain'], clock: { now: () => 1_000 } })();
  const told = JSON.parse(body) as Record<string, unknown>;
  assert.deepEqual(Object.keys(told), ['syncToken', 'egressPools']);
});
