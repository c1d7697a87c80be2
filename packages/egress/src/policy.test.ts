import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPolicy, type PolicyOptions } from './policy.ts';

test('the default is https on its own port and nothing opened', () => {
  const policy = createPolicy();
  assert.deepEqual([policy.allowHttp, policy.allowLoopback, policy.ports], [false, false, new Set([443])]);
});

test('plain http brings its port', () => assert.deepEqual(createPolicy({ allowHttp: true }).ports, new Set([443, 80])));

const wrong: [PolicyOptions, RegExp][] = [
  [{ allowCidrs: ['10.0.0.0'] }, /^RangeError: allowCidrs: "10.0.0.0" is not a range/],
  [{ denyCidrs: ['10.0.0.1/8'] }, /^RangeError: denyCidrs: "10.0.0.1\/8" is not a range/],
  [{ nat64Prefixes: ['64:ff9b::/64'] }, /^RangeError: nat64Prefixes: each must be an IPv6 \/96/],
  [{ ownHosts: ['https://hooks.acme.com'] }, /^RangeError: ownHosts: "https:\/\/hooks.acme.com" is not a host name/],
  [{ ownHosts: ['*.acme.com'] }, /^RangeError: ownHosts: "\*.acme.com" is not a host name/],
  [{ ownHosts: ['hooks.acme.com.'] }, /^RangeError: ownHosts: "hooks.acme.com." is not a host name/],
  [{ ownHosts: ['.acme.com'] }, /^RangeError: ownHosts: ".acme.com" is not a host name/],
  [{ ownHosts: ['192.0.2.7'] }, /^RangeError: ownHosts: "192.0.2.7" is an address; those belong into denyCidrs/],
  [{ ports: [] }, /^RangeError: ports: must name at least one/],
  [{ ports: [443, 0] }, /^RangeError: ports: 0 is not a whole number from 1 to 65535/],
  [{ maxUrlBytes: 2_049 }, /^RangeError: maxUrlBytes: 2049 is not a whole number from 1 to 2048/],
  [{ maxAddresses: 0 }, /^RangeError: maxAddresses: 0 is not a whole number from 1 to 256/],
];
for (const [options, message] of wrong) {
  test(`refused: ${JSON.stringify(options)}`, () => assert.throws(() => createPolicy(options), message));
}
