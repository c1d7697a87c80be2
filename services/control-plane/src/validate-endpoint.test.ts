import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import { Endpoint, EndpointTls } from '@postrider/contract/postrider/v1/endpoint';
import { createTestAuthority } from '../../../test/support/certificates.ts';
import { validateEndpoint } from './validate-endpoint.ts';

test('a certificate that has expired since it was given stands in the way of no other change', async () => {
  await using authority = await createTestAuthority();
  const { cert: clientCertificatePem, key: clientKeyPem } = await authority.issue('postrider');
  const tls = EndpointTls.fromPartial({ clientCertificatePem });
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/', tls });
  const before = EndpointConfig.fromPartial({ endpoint });
  const later = new Date(Date.now() + 3 * 86_400_000);
  const judge = (next: Endpoint): readonly string[] =>
    validateEndpoint(next, { judgeUrl: () => null, now: later, before }).map(({ field }) => field);
  assert.deepEqual(judge({ ...endpoint, displayName: 'renamed' }), []);
  const givenAgain = { ...endpoint, tls: { ...tls, clientKeyPem } };
  assert.deepEqual(judge(givenAgain), ['endpoint.tls.client_certificate_pem']);
});
