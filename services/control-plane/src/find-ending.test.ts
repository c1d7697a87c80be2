import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPostriderError, PostriderError } from '@postrider/core';
import { createFakeKafka } from '@postrider/kafka/testing';
import { explainDelivery } from './delivery-methods.ts';
import { createFindEnding } from './find-ending.ts';
import { serverLimits } from './server-limits.ts';
import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { ServiceContext } from './call.ts';

test('so many endings are looked for at once by all callers together, though each call makes its method anew', async () => {
  const port = createFakeKafka().connect('control-plane');
  const asked = Promise.withResolvers<never>();
  const admin = { ...port.admin, offsets: () => asked.promise };
  const notHeld = new PostriderError('not_found', 'it is not held');
  const context = {
    view: { snapshot: () => ({ endpointByName: () => endpoint, unreadable: () => undefined }) },
    owners: { partitionOf: () => 0, ownerOf: async () => ({}), ask: () => Promise.reject(notHeld) },
    findEnding: createFindEnding({ kafka: { admin, reader: port.reader }, topicPrefix: 'postrider.' }),
    clock: port.clock,
  } as unknown as ServiceContext;
  const request = { name: `tenants/a/endpoints/b/deliveries/dlv_${'0'.repeat(32)}`, runId: '' };
  const explain = async () => explainDelivery(context)(request, { actor: 'api-key/a', grants: [] });
  const looking = Array.from({ length: serverLimits.endingsLookedForAtOnceMax }, explain);
  await assert.rejects(explain(), (error) => isPostriderError(error, 'unavailable') && /too many/.test(error.message));
  const ended = looking.map((one) => assert.rejects(one, /broken/));
  asked.reject(new Error('broken'));
  await Promise.all(ended);
});

const endpoint = { endpoint: { uid: 'ep_1', name: 'tenants/a/endpoints/b' } } as EndpointConfig;
