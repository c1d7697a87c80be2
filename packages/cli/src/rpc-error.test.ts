import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata, status } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo } from '@postrider/contract/google/rpc/error_details';
import { Status } from '@postrider/contract/google/rpc/status';
import { explainRpcError } from './rpc-error.ts';

const called = { server: 'x:1', isTls: false, apiKey: '' };

function failure(code: status, details: string, sent: Parameters<typeof Status.fromPartial>[0] = {}) {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(Status.encode(Status.fromPartial(sent)).finish()));
  return explainRpcError(Object.assign(new Error(details), { code, details, metadata }), called);
}

test('what the API asks for is told as the option that gives it, and times in units that people read', () => {
  const { FAILED_PRECONDITION, UNAUTHENTICATED, RESOURCE_EXHAUSTED } = status;
  assert.match(failure(FAILED_PRECONDITION, 'delete them first, or set force').message, /or use --force$/);
  assert.match(
    failure(UNAUTHENTICATED, 'send an API key: metadata "authorization: Bearer prk_…"').message,
    /--api-key/,
  );
  assert.match(failure(RESOURCE_EXHAUSTED, 'come back in 14721 ms').message, /come back in 15s$/);
  assert.match(failure(RESOURCE_EXHAUSTED, 'at most 2592000000ms').message, /at most 30d$/);
});

test('the reason and the first field that is wrong are there for programs', () => {
  const type = 'type.googleapis.com/google.rpc.';
  const violations = { fieldViolations: [{ field: 'endpoint.url', description: 'must be https' }] };
  const { report, exitCode } = failure(status.INVALID_ARGUMENT, 'wrong', {
    details: [
      {
        typeUrl: `${type}BadRequest`,
        value: Buffer.from(BadRequest.encode(BadRequest.fromPartial(violations)).finish()),
      },
      {
        typeUrl: `${type}ErrorInfo`,
        value: Buffer.from(ErrorInfo.encode(ErrorInfo.fromPartial({ reason: 'R' })).finish()),
      },
    ],
  });
  assert.deepEqual([report, exitCode], [{ code: 'INVALID_ARGUMENT', reason: 'R', field: 'endpoint.url' }, 1]);
});
