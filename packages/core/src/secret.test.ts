import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { Secret } from './secret.ts';

const canary = 'canary-3fd1';

test('no way of printing a secret shows it', () => {
  const secret = new Secret(canary);
  const nested = { a: [secret], b: new Map([['k', secret]]), c: new Error('e', { cause: secret }) };
  const prints = [
    String(secret),
    `${secret as unknown as string}`,
    '' + secret,
    secret.toString(),
    JSON.stringify(secret),
    JSON.stringify(nested),
    inspect(secret),
    inspect(secret, { showHidden: true, depth: null, customInspect: false }),
    inspect(nested, { depth: null }),
    format('%s %o %O %j', secret, secret, secret, secret),
    JSON.stringify(Object.entries(secret)),
    JSON.stringify(Object.assign({}, secret)),
    inspect(structuredClone(secret)),
  ];
  const forms = [canary, Buffer.from(canary).toString('hex'), Buffer.from(canary).toString('base64'), '63 61 6e 61'];
  for (const print of prints) for (const shown of forms) assert.ok(!print.includes(shown), print);
  assert.equal(String(secret), '[secret]');
  assert.equal(JSON.stringify({ secret }), '{"secret":"[secret]"}');
});

test('whoever asks gets the value, and a copy of it', () => {
  const bytes = Buffer.from([0, 255, 128]);
  const secret = new Secret(bytes);
  bytes.fill(1);
  assert.deepEqual(secret.revealBytes(), Buffer.from([0, 255, 128]));
  secret.revealBytes().fill(2);
  assert.deepEqual(secret.revealBytes(), Buffer.from([0, 255, 128]));
  assert.equal(secret.length, 3);
  assert.equal(new Secret('geheimnis ä').reveal(), 'geheimnis ä');
});
