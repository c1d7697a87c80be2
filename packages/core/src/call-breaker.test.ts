import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallBreaker } from './call-breaker.ts';

const create = () => createCallBreaker({ failuresMax: 3, openMinMs: 1_000, openMaxMs: 3_000 });

test('it opens at the failure that fills the row, and a success in between begins the row anew', () => {
  const breaker = create();
  breaker.failed(0);
  breaker.failed(0);
  breaker.succeeded();
  breaker.failed(0);
  breaker.failed(0);
  assert.equal(breaker.open, false);
  assert.equal(breaker.allows(0), true);
  breaker.failed(0);
  assert.equal(breaker.open, true);
  assert.equal(breaker.allows(999), false);
});

test('open, it lets one probe through each time, ever further apart up to the bound', () => {
  const breaker = create();
  for (let i = 0; i < 3; i += 1) breaker.failed(0);
  const probes: number[] = [];
  for (let now = 0; now < 12_000; now += 1) {
    if (!breaker.allows(now)) continue;
    probes.push(now);
    breaker.failed(now);
  }
  assert.deepEqual(probes, [1_000, 3_000, 6_000, 9_000]);
});

test('a probe that succeeds closes it, and the next row of failures begins with the shortest time', () => {
  const breaker = create();
  for (let i = 0; i < 3; i += 1) breaker.failed(0);
  assert.equal(breaker.allows(1_000), true);
  assert.equal(breaker.allows(1_000), false);
  breaker.succeeded();
  assert.equal(breaker.open, false);
  for (let i = 0; i < 3; i += 1) breaker.failed(2_000);
  assert.equal(breaker.allows(2_999), false);
  assert.equal(breaker.allows(3_000), true);
});

test('calls from before it opened that fail late do not keep it open for longer', () => {
  const breaker = create();
  for (let i = 0; i < 10; i += 1) breaker.failed(i);
  assert.equal(breaker.allows(1_002), true);
});

test('a probe of which nothing is heard is followed by another', () => {
  const breaker = create();
  for (let i = 0; i < 3; i += 1) breaker.failed(0);
  assert.equal(breaker.allows(1_000), true);
  assert.equal(breaker.allows(1_999), false);
  assert.equal(breaker.allows(2_000), true);
});
