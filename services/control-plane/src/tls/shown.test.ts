/** Two replicas on one clock. Doubles: the connections. Observed: whom the second takes the caller of a call for. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { limits, parseKek } from '@postrider/core';
import { FORWARDED_METADATA } from '../call-routing.ts';
import { createShowing, type ShowingCall } from './shown.ts';

test('a caller with a certificate may have changes passed on as fast as changes are made, for as long as he likes', () => {
  let now = Date.UTC(2026, 10, 22);
  const clock = { now: () => now } as never;
  const shared = [parseKek(randomBytes(32).toString('hex'))];
  const [first, second] = [1, 2].map(() => createShowing({ shared, clock, random: randomBytes }));
  assert.ok(first !== undefined && second !== undefined);
  const sslPeerCertificate = { subjectaltname: 'DNS:router.acme', valid_to: 'Jan 1 00:00:00 2030 GMT' };
  const callWith = (metadata: Metadata): ShowingCall => ({
    metadata,
    getPath: () => '/postrider.v1.TenantService/CreateTenant',
    getAuthContext: () => ({ sslPeerCertificate: sslPeerCertificate as never }),
  });
  const perSecond = 500;
  for (let made = 0; made < limits.callProofsKeptMax + perSecond; made += 1) {
    if (made % perSecond === 0) now += 1_000;
    const metadata = new Metadata();
    first.passOn(callWith(new Metadata()), metadata);
    metadata.set(FORWARDED_METADATA, 'first');
    assert.equal(second.shownBy(callWith(metadata)).certificate(), 'certificate/dns:router.acme', `call ${made}`);
  }
});
