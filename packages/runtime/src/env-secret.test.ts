import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { envSecret } from './env-secret.ts';

test('no way of printing a secret shows it', () => {
  const secret = envSecret('hunter2');
  const printed = [
    String(secret),
    `${secret as unknown as string}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { depth: 9, showHidden: true }),
    JSON.stringify({ ...secret }),
    Object.values(secret).map(String).join(),
  ].join('\n');
  assert.ok(!printed.includes('hunter2'), printed);
  assert.equal(secret.reveal(), 'hunter2');
});
