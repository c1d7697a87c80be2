import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditHead } from '@postrider/contract/postrider/v1/audit';
import { encodedBytes } from './encoded-bytes.ts';

test('what was encoded is a Buffer of exactly its bytes, and is not copied', () => {
  const whole = new Uint8Array([0, 1, 2, 3, 4]);
  const bytes = encodedBytes({ finish: () => whole.subarray(1, 4) });
  assert.deepEqual([...bytes], [1, 2, 3]);
  assert.equal(bytes.buffer, whole.buffer);
});

test('two messages share no memory', () => {
  const head = { sequence: 1n, hash: Buffer.alloc(32, 1) };
  const [one, other] = [encodedBytes(AuditHead.encode(head)), encodedBytes(AuditHead.encode(head))];
  assert.deepEqual(one, other);
  assert.notEqual(one.buffer, other.buffer);
});
