import assert from 'node:assert/strict';
import { test } from 'node:test';
import { invalidArgument, isPostriderError, PostriderError } from './errors.ts';

test('an error keeps its code, message and cause', () => {
  const cause = new Error('underneath');
  const error = new PostriderError('secret_unreadable', 'cannot be opened', { cause });
  assert.equal(error.code, 'secret_unreadable');
  assert.equal(error.message, 'cannot be opened');
  assert.equal(error.cause, cause);
  assert.equal(error.name, 'PostriderError');
  assert.deepEqual(error.violations, []);
  assert.equal('cause' in new PostriderError('internal', 'no cause'), false);
});

test('an invalid argument names every field at fault', () => {
  const violations = [
    { field: 'endpoint.url', description: 'must be https' },
    { field: 'endpoint.labels', description: 'at most 64' },
  ];
  const error = invalidArgument(violations);
  assert.equal(error.code, 'invalid_argument');
  assert.deepEqual(error.violations, violations);
  assert.match(error.message, /endpoint\.url: must be https; endpoint\.labels: at most 64/);
});

test('an error is recognised by class and code', () => {
  const error = new PostriderError('not_found', 'no such endpoint');
  assert.equal(isPostriderError(error), true);
  assert.equal(isPostriderError(error, 'not_found'), true);
  assert.equal(isPostriderError(error, 'internal'), false);
  assert.equal(isPostriderError(new Error('other')), false);
});
