/** A configuration that is put together by hand, on a fake clock. Observed: what is told of certificates. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Endpoint, EndpointState, EndpointTls } from '@postrider/contract/postrider/v1/endpoint';
import { createFakeClock } from '@postrider/kafka/testing';
import { createTestAuthority, type TestAuthority } from '../../../test/support/certificates.ts';
import { watchCertificates, type CertificateCounts } from './certificate-watch.ts';
import type { ConfigSnapshot } from '@postrider/config-view';

const dayMs = 86_400_000;
let authority: TestAuthority;
before(async () => {
  authority = await createTestAuthority();
});
after(() => authority[Symbol.asyncDispose]());

test('a certificate is told of a fortnight before it ends, and when it has ended, each once; a new one ends that', async () => {
  const clock = createFakeClock(Date.now());
  const certificateOf = async (name: string, days: number) => (await authority.issue(name, { days })).cert;
  const [soon, later] = [await certificateOf('soon', 20), await certificateOf('later', 300)];
  const endpoints = new Map<string, Endpoint>();
  const put = (id: string, certificate: string, state: EndpointState = EndpointState.ENABLED): void => {
    const tls = EndpointTls.fromPartial({ clientCertificatePem: certificate });
    endpoints.set(id, Endpoint.fromPartial({ uid: id, name: `tenants/acme/endpoints/${id}`, state, tls }));
  };
  put('hook', soon);
  put('off', soon, EndpointState.DISABLED);
  put('plain', '');
  put('fine', later);
  const told: string[] = [];
  let counts: CertificateCounts | undefined;
  using watch = watchCertificates({
    clock,
    view: {
      snapshot: () =>
        ({ endpoints: () => [...endpoints.values()].map((endpoint) => ({ endpoint })) }) as unknown as ConfigSnapshot,
    },
    events: {
      certificateEnds: (name, endsAt, state) =>
        told.push(`${name} ${state} ${Math.round((endsAt.getTime() - clock.now()) / dayMs)}`),
      certificatesLookedAt: (now) => void (counts = now),
    },
  });
  await clock.advance(0);
  assert.deepEqual([told, counts], [[], { ending: 0, ended: 0 }]);
  await clock.advance(6 * dayMs + dayMs / 12);
  assert.deepEqual([told.splice(0), counts], [['tenants/acme/endpoints/hook ending 14'], { ending: 1, ended: 0 }]);
  await clock.advance(14 * dayMs);
  assert.deepEqual([told.splice(0), counts], [['tenants/acme/endpoints/hook ended 0'], { ending: 0, ended: 1 }]);
  await clock.advance(dayMs);
  put('hook', later);
  await clock.advance(dayMs);
  assert.deepEqual([told, counts], [[], { ending: 0, ended: 0 }]);
  put('off', soon);
  await clock.advance(dayMs);
  assert.deepEqual([told, counts], [['tenants/acme/endpoints/off ended -2'], { ending: 0, ended: 1 }]);
  watch[Symbol.dispose]();
});
