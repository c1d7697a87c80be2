import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { invalidArgument, PostriderError } from '@postrider/core';
import { failure, startTestPlane } from '../testing/harness.ts';
import { STATUS_DETAILS_TRAILER, toServiceError } from './grpc-status.ts';

test('a text that is cut between the halves of a character still becomes a status that can be sent', () => {
  for (let lead = 0; lead < 2; lead += 1) {
    const text = `${'x'.repeat(lead)}${'😀'.repeat(2_000)}`;
    for (const error of [
      new PostriderError('not_found', text),
      new PostriderError('not_found', 'half a character: \ud83d'),
      invalidArgument([{ field: text, description: text }]),
    ]) {
      const { details } = toServiceError(error);
      assert.doesNotThrow(() => encodeURI(details), 'grpc-js puts the message into a header with encodeURI');
    }
  }
});

test('status and details stay below the 8 KiB of headers that many clients take', () => {
  const wide = Array.from({ length: 100 }, (_, at) => ({
    field: `${at}${'語'.repeat(300)}`,
    description: '😀'.repeat(300),
  }));
  for (const error of [invalidArgument(wide), new PostriderError('not_found', '語'.repeat(4_000))]) {
    const { details, metadata } = toServiceError(error);
    const [trailer] = metadata?.get(STATUS_DETAILS_TRAILER) ?? [];
    assert.ok(Buffer.isBuffer(trailer));
    const bytes = encodeURI(details).length + trailer.toString('base64').length;
    assert.ok(bytes <= 7 * 1_024, `${bytes} bytes`);
  }
});

test('a name of any characters is refused, and the server goes on', async () => {
  await using run = await startTestPlane();
  for (let lead = 0; lead < 2; lead += 1) {
    const name = `tenants/${'x'.repeat(lead)}${'😀'.repeat(2_000)}`;
    assert.equal((await failure(run.tenants.getTenant({ name }))).code, 'NOT_FOUND');
    const endpoint = Endpoint.fromPartial({ url: `https://${name}` });
    const creation = { parent: name, endpointId: name, endpoint, requestId: name };
    assert.equal((await failure(run.endpoints.createEndpoint(creation))).code, 'INVALID_ARGUMENT');
  }
  const labels = Object.fromEntries(
    Array.from({ length: 90 }, (_, at) => [`${at}${'語'.repeat(90)}`, '語'.repeat(999)]),
  );
  const tenant = Tenant.fromPartial({ labels });
  const answer = await failure(run.tenants.createTenant({ tenantId: 'acme', tenant, requestId: '' }));
  assert.equal(answer.code, 'INVALID_ARGUMENT');
  assert.ok(answer.fields.length > 0);
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
});
