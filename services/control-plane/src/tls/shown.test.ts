/** Two replicas. Doubles: their clocks and the connections. Observed: whom the second takes the caller of a call for. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { limits, parseKek } from '@postrider/core';
import { FORWARDED_METADATA } from '../call-routing.ts';
import { createShowing, type ShowingCall } from './shown.ts';

const sslPeerCertificate = { subjectaltname: 'DNS:router.acme', valid_to: 'Jan 1 00:00:00 2030 GMT' };
const callWith = (metadata: Metadata): ShowingCall => ({
  metadata,
  getPath: () => '/postrider.v1.TenantService/CreateTenant',
  getAuthContext: () => ({ sslPeerCertificate: sslPeerCertificate as never }),
});

/** A follower whose clock is `aheadMs` ahead of the leader's. */
function world(aheadMs = 0) {
  const state = { now: Date.UTC(2026, 10, 22), apart: [] as number[] };
  const shared = [parseKek(randomBytes(32).toString('hex'))];
  const showing = (ahead: number) =>
    createShowing({
      ...{ shared, random: randomBytes, clock: { now: () => state.now + ahead } as never },
      clockApart: (ms) => void state.apart.push(ms),
    });
  const [follower, leader] = [showing(aheadMs), showing(0)];
  const passed = (): Metadata => {
    const metadata = new Metadata();
    follower.passOn(callWith(new Metadata()), metadata);
    metadata.set(FORWARDED_METADATA, 'first');
    return metadata;
  };
  return { state, passed, seen: (metadata: Metadata) => leader.shownBy(callWith(metadata)).certificate() };
}

const router = 'certificate/dns:router.acme';

test('a caller with a certificate may have changes passed on as fast as changes are made, for as long as he likes', () => {
  const { state, passed, seen } = world();
  const perSecond = 500;
  for (let made = 0; made < limits.callProofsKeptMax + perSecond; made += 1) {
    if (made % perSecond === 0) state.now += 1_000;
    assert.equal(seen(passed()), router, `call ${made}`);
  }
});

test('clocks of replicas may be minutes apart, and what one vouches for is good once all the same', () => {
  for (const aheadMs of [limits.callProofKeptMs, -limits.callProofKeptMs, 61_000, -61_000]) {
    const { state, passed, seen } = world(aheadMs);
    const [first, second] = [passed(), passed()];
    assert.equal(seen(second), router, `${aheadMs}`);
    assert.equal(seen(first), router, 'they may come in another order');
    assert.equal(seen(first), null);
    assert.equal(seen(second), null);
    assert.deepEqual(state.apart, []);
  }
});

test('a clock that is further off is told, and its callers are not believed; who has no key tells nothing', () => {
  const aheadMs = limits.callProofKeptMs + 1_000;
  const { state, passed, seen } = world(aheadMs);
  assert.equal(seen(passed()), null);
  assert.deepEqual(state.apart, [aheadMs]);
  assert.equal(seen(world(2 * aheadMs).passed()), null);
  assert.deepEqual(state.apart, [aheadMs]);
});
