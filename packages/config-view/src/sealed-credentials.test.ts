import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import { isPostriderError, Secret } from '@postrider/core';
import { headerCredential, openCredential, sealCredential } from './sealed-credentials.ts';
import { dataKeyOf } from './sealed-config.ts';

const dataKey = dataKeyOf(new Secret(randomBytes(32)));
const owner = { tenantId: 'acme', endpointUid: 'ep_1' };
const sealed = (name: string) => sealCredential(new Secret('s3cret'), dataKey, owner, name, randomBytes);
const configOf = (credentials: EndpointConfig['credentials'], tenant = 'acme', uid = 'ep_1'): EndpointConfig =>
  EndpointConfig.fromPartial({ endpoint: { name: `tenants/${tenant}/endpoints/x`, uid }, credentials });
const unreadable = (error: unknown): boolean =>
  isPostriderError(error, 'secret_unreadable') && !error.message.includes('s3cret');

test('a credential opens where it belongs, and nowhere else', () => {
  const name = headerCredential('X-|-Api-Key');
  const credential = sealed(name);
  assert.equal(openCredential(configOf({ [name]: credential }), dataKey, name).reveal(), 's3cret');
  const other = headerCredential('x-token');
  assert.throws(() => openCredential(configOf({ [other]: credential }), dataKey, other), unreadable);
  assert.throws(() => openCredential(configOf({ [name]: credential }, 'evil'), dataKey, name), unreadable);
  assert.throws(() => openCredential(configOf({ [name]: credential }, 'acme', 'ep_2'), dataKey, name), unreadable);
  const otherKey = dataKeyOf(new Secret(randomBytes(32)));
  assert.throws(() => openCredential(configOf({ [name]: credential }), otherKey, name), unreadable);
});

test('a credential that is not there is an error that names it', () => {
  assert.throws(() => openCredential(configOf({}), dataKey, 'constructor'), {
    message: 'endpoint ep_1 holds no constructor',
  });
});
