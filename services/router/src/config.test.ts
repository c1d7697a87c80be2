import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@postrider/core';
import { readRouterConfig } from './config.ts';

const least = { POSTRIDER_KAFKA_BROKERS: 'a:9092' };

test('a session is never longer than owners remember what a dead router may have written', () => {
  const longest = limits.routerSessionTimeoutMaxMs;
  const read = (ms: number) => readRouterConfig({ ...least, POSTRIDER_SESSION_TIMEOUT: `${ms}ms` }).service;
  assert.equal(read(longest).sessionTimeoutMs, longest);
  assert.throws(() => read(longest + 1), /POSTRIDER_SESSION_TIMEOUT/);
});

test('a router can be given no key, so it can open no secret', () => {
  for (const name of ['POSTRIDER_KEK', 'POSTRIDER_KEK_FILE', 'POSTRIDER_CALL_KEY']) {
    assert.throws(() => readRouterConfig({ ...least, [name]: 'ab'.repeat(32) }), new RegExp(name));
  }
});
