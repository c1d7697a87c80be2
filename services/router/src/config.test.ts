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
