import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corpusRows, policyOf } from '../testing/corpus.ts';
import { createPolicy } from './policy.ts';
import { parsePolicy } from './policy-text.ts';

test('every key is read, and a file that says nothing is the strict policy', () => {
  assert.deepEqual(parsePolicy('{}'), createPolicy());
  const options = {
    allowHttp: true,
    allowIpLiteral: false,
    ports: [443, 8443],
    maxUrlBytes: 512,
    maxAddresses: 8,
    allowCidrs: ['10.20.0.0/16'],
    denyCidrs: ['8.8.8.0/24'],
    ownHosts: ['hooks.acme.com'],
    nat64Prefixes: ['64:ff9b::/96'],
  };
  const text = JSON.stringify({ ...options, note: 'why', ipv6: '2000::/3 minus IANA special-purpose' });
  assert.deepEqual(parsePolicy(text), createPolicy(options));
  for (const row of corpusRows) assert.equal(policyOf(row).maxAddresses, 32);
});

test('loopback is opened by a switch of the process and by no file', () => {
  assert.equal(parsePolicy('{}', { allowLoopback: true }).allowLoopback, true);
  assert.throws(() => parsePolicy('{"allowLoopback":true}'), /^RangeError: allowLoopback: no such key/);
});

test('every key at fault is told', () => {
  const text = '{"allowHttp":1,"ports":[0],"nope":1,"allowCidrs":["10.0.0.1/8"],"denyCidrs":["10.0.0.0/8"]}';
  assert.throws(
    () => parsePolicy(text),
    (error: Error) => {
      const keys = error.message.split('; ').map((problem) => /^\w+(?=: )/.exec(problem)?.[0]);
      assert.deepEqual(keys.filter(Boolean), ['allowHttp', 'ports', 'nope', 'allowCidrs']);
      return true;
    },
  );
});

const wrong: [string, RegExp][] = [
  ['', /^RangeError: a policy must be JSON/],
  ['[]', /^RangeError: a policy must be a JSON object/],
  ['null', /^RangeError: a policy must be a JSON object/],
  ['{"allowHTTP":true}', /^RangeError: allowHTTP: no such key; there are allowHttp, /],
  ['{"__proto__":{}}', /^RangeError: __proto__: no such key/],
  ['{"allowHttp":"true"}', /^RangeError: allowHttp: must be true or false/],
  ['{"ports":"all"}', /^RangeError: ports: must be "any" or a list of numbers/],
  ['{"ports":[0]}', /^RangeError: ports: 0 is not a whole number/],
  ['{"allowCidrs":["10.0.0.1/8"]}', /^RangeError: allowCidrs: "10.0.0.1\/8" is not a range/],
  ['{"ownHosts":"a.com"}', /^RangeError: ownHosts: must be a list of texts/],
  ['{"ipv6":"::/0"}', /^RangeError: ipv6: must be "2000::\/3 minus IANA special-purpose"/],
];
for (const [text, message] of wrong) {
  test(`refused: ${text}`, () => assert.throws(() => parsePolicy(text), message));
}
