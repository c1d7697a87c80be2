import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointConfig, SealedSecret } from '@postrider/contract/postrider/v1/config';
import type { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { EndpointLimits, EndpointTls } from '@postrider/contract/postrider/v1/endpoint';
import { schemaVersionOf } from './schema-version.ts';

const versionOf = (endpoint: Partial<Endpoint>, more: Partial<EndpointConfig> = {}): number => {
  const config = EndpointConfig.fromPartial({ endpoint: { url: 'https://hooks.example.com/', ...endpoint } });
  return schemaVersionOf({ $case: 'endpoint', value: { ...config, ...more } });
};

test('what the first release obeys stays readable for it; what it would pass over does not', () => {
  assert.equal(schemaVersionOf(null), 1);
  assert.equal(versionOf({ headers: { 'x-a': 'b' }, limits: EndpointLimits.fromPartial({ rateCount: 1 }) }), 1);
  const newer = [
    versionOf({ auth: { method: { $case: 'bearer', value: { token: '' } } } }),
    versionOf({ tls: EndpointTls.fromPartial({ minVersion: 'TLS_VERSION_1_3' }) }),
    versionOf({ egressPool: 'egressPools/partners' }),
    versionOf({ limits: EndpointLimits.fromPartial({ bodyBytesMax: 1 }) }),
    versionOf({}, { credentials: { 'headers.x-api-key': SealedSecret.fromPartial({}) } }),
    versionOf({}, { verificationSince: '7' }),
  ];
  assert.deepEqual(newer, Array(6).fill(2));
});
