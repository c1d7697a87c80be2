import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realClock } from '../testing/support.ts';
import { EgressError } from './failure.ts';
import { createEgress, createPolicy } from './index.ts';

test('the address of a host is the one that is dialled first, and none that is not allowed is told', async () => {
  const names: Readonly<Record<string, readonly string[]>> = {
    'both.example.com': ['2606:4700::1', '93.184.215.14', '93.184.215.15'],
    'mixed.example.com': ['93.184.215.14', '10.0.0.1'],
    'none.example.com': [],
  };
  const egress = createEgress({
    policy: createPolicy({}),
    clock: realClock,
    resolve: (name) => Promise.resolve(names[name] ?? []),
  });
  const isA = (code: string) => (error: unknown) => error instanceof EgressError && error.failure.code === code;
  assert.equal(await egress.addressOf('both.example.com'), '93.184.215.14');
  assert.equal(await egress.addressOf('93.184.215.14'), '93.184.215.14');
  await assert.rejects(egress.addressOf('mixed.example.com'), isA('blocked_address'));
  await assert.rejects(egress.addressOf('none.example.com'), isA('dns_not_found'));
  await egress.close({ graceMs: 0 });
});
