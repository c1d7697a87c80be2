import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Operation } from '@postrider/contract/postrider/v1/operation';
import { serverLimits } from '../server-limits.ts';
import { idsToForget } from './kept.ts';

const NOW = Date.UTC(2026, 10, 22);

function ended(id: string, agoMs: number): { readonly operation: Operation } {
  const fields = { name: `operations/${id}`, done: true, endTime: new Date(NOW - agoMs) };
  return { operation: Operation.fromPartial(fields) };
}

test('an operation is kept for a week after its end, and for ever while it goes on', () => {
  const { operationKeptMs } = serverLimits;
  const running = { operation: Operation.fromPartial({ name: 'operations/on', createTime: new Date(0) }) };
  const kept = [running, ended('new', 0), ended('nearly', operationKeptMs - 1)];
  assert.deepEqual(idsToForget([...kept, ended('old', operationKeptMs), { operation: undefined }], NOW), ['old']);
});

test('of more that are done than are kept the newest stay', () => {
  const most = serverLimits.operationsKeptMax;
  const many = Array.from({ length: most + 2 }, (_, at) => ended(`${at}`, at));
  assert.deepEqual(idsToForget(many.toReversed(), NOW), [`${most}`, `${most + 1}`]);
});
