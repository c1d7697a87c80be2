import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { SignatureScheme } from '@postrider/contract/postrider/v1/endpoint';
import { generateDataKey, generateSigningSecret, parseKek, Secret } from '@postrider/core';
import { dataKeyOf, openDataKey, openSigningSecrets, sealDataKey, sealSigningSecret } from './sealed-config.ts';
import { endpointEntity, tenantEntity } from './test-records.ts';
import type { EndpointConfig, TenantConfig } from '@postrider/contract/postrider/v1/config';

const kek = parseKek(randomBytes(32).toString('hex'));

function setup() {
  const material = generateDataKey(randomBytes);
  const secret = generateSigningSecret('v1', randomBytes);
  const tenantPart = tenantEntity('t0');
  const endpointPart = endpointEntity('t0', 'e0');
  if (tenantPart.$case !== 'tenant' || endpointPart.$case !== 'endpoint') assert.fail();
  const tenant: TenantConfig = { ...tenantPart.value, dataKey: sealDataKey(material, kek, 't0', randomBytes) };
  const sealed = sealSigningSecret(secret, dataKeyOf(material), 't0', 'sec_1', randomBytes);
  const one = {
    id: 'sec_1',
    scheme: SignatureScheme.STANDARD_V1,
    sealed,
    createTime: new Date(0),
    expireTime: undefined,
    ...{ fingerprintEnd: '', publicKey: '', imported: false, createRequestId: '' },
  };
  const endpoint: EndpointConfig = { ...endpointPart.value, secrets: [one] };
  return { tenant, endpoint, secret, one };
}

test('what was sealed for a tenant and an endpoint opens again with the key-encryption key alone', () => {
  const { tenant, endpoint, secret } = setup();
  const [opened, ...rest] = openSigningSecrets(endpoint, openDataKey(tenant, kek), 0);
  assert.equal(opened?.secret.reveal(), secret.reveal());
  assert.equal(opened?.id, 'sec_1');
  assert.deepEqual(rest, []);
});

test('it opens under no other key, for no other tenant, and for no other secret', () => {
  const { tenant, endpoint, one } = setup();
  const dataKey = openDataKey(tenant, kek);
  const unreadable = { code: 'secret_unreadable' };
  assert.throws(() => openDataKey(tenant, parseKek(randomBytes(32).toString('hex'))), unreadable);
  const other = tenantEntity('t1');
  if (other.$case !== 'tenant') assert.fail();
  assert.throws(() => openDataKey({ ...other.value, dataKey: tenant.dataKey }, kek), unreadable);
  assert.throws(() => openDataKey({ ...tenant, dataKey: undefined }, kek), unreadable);
  assert.throws(() => openSigningSecrets({ ...endpoint, secrets: [{ ...one, id: 'sec_2' }] }, dataKey, 0), unreadable);
  assert.throws(
    () => openSigningSecrets({ ...endpoint, secrets: [{ ...one, sealed: undefined }] }, dataKey, 0),
    unreadable,
  );
  assert.throws(() => openSigningSecrets(endpoint, dataKeyOf(generateDataKey(randomBytes)), 0), unreadable);
});

test('an expired secret signs nothing', () => {
  const { tenant, endpoint, one } = setup();
  const expiring = { ...endpoint, secrets: [{ ...one, expireTime: new Date(1_000) }] };
  const dataKey = openDataKey(tenant, kek);
  assert.equal(openSigningSecrets(expiring, dataKey, 999).length, 1);
  assert.equal(openSigningSecrets(expiring, dataKey, 1_000).length, 0);
});

test('the id of a data key follows from its bytes', () => {
  const material = new Secret(randomBytes(32));
  assert.equal(dataKeyOf(material).id, dataKeyOf(material).id);
  assert.notEqual(dataKeyOf(material).id, dataKeyOf(generateDataKey(randomBytes)).id);
});
