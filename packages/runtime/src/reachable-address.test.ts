import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { reachableAddress } from './reachable-address.ts';

test('others are told an address at which they can reach what listens here', () => {
  const cases = [
    ['127.0.0.1', '', '127.0.0.1:7'],
    ['::1', '', '[::1]:7'],
    ['0.0.0.0', '', `${hostname()}:7`],
    ['0.0.0.0', '10.0.0.5', '10.0.0.5:7'],
    ['::', 'fd00::5', '[fd00::5]:7'],
    ['0.0.0.0', 'pod.example.com:99', 'pod.example.com:99'],
    ['0.0.0.0', '[fd00::5]:99', '[fd00::5]:99'],
  ] as const;
  for (const [host, address, wanted] of cases) assert.equal(reachableAddress({ host, address }, 7), wanted);
});
