import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { parseRedisUrl } from './redis-target.ts';

test('host, port, user, password, database and TLS are read from the URL', () => {
  const { password, ...plain } = parseRedisUrl('rediss://web%20hooks:p%40ss%3Aword@cache.example.com:6380/3');
  assert.deepEqual(plain, { host: 'cache.example.com', port: 6380, username: 'web hooks', database: 3, tls: true });
  assert.equal(password?.reveal(), 'p@ss:word');
  assert.deepEqual(parseRedisUrl('redis://[::1]'), {
    ...{ host: '::1', port: 6379, username: '', password: null, database: 0, tls: false },
  });
});

test('the password is shown by no print of the target', () => {
  const target = parseRedisUrl('redis://:hunter2@cache');
  for (const shown of [inspect(target), JSON.stringify(target), String(target)]) assert.ok(!shown.includes('hunter2'));
});

for (const [url, problem] of [
  ['cache:6379', 'form'],
  ['http://:hunter2@cache', 'form'],
  ['redis://', 'form'],
  ['redis://:hunter2@cache?enableOfflineQueue=true', 'query'],
  ['redis://:hunter2@cache#hunter2', 'fragment'],
  ['redis://:hunter2@cache/name', 'database'],
  ['redis://:hunter2@cache/99999', 'database'],
  ['redis://:hunter2%zz@cache', '%25'],
] as const) {
  test(`${url.replace('hunter2', '…')} is refused, and what is said shows none of it`, () => {
    assert.throws(
      () => parseRedisUrl(url),
      (error: unknown) => {
        assert.ok(error instanceof TypeError);
        assert.ok(error.message.includes(problem), error.message);
        assert.ok(!/hunter2|cache/.test(error.message), error.message);
        return true;
      },
    );
  });
}
