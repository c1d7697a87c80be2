/** Reading the audit in stretches. Double: Kafka. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditEntry } from '@postrider/contract/postrider/v1/audit';
import { auditStart, chainEntry } from '@postrider/core';
import { createFakeKafka } from '@postrider/kafka/testing';
import { AUDIT_TOPIC } from '../../testing/harness.ts';
import { serverLimits } from '../server-limits.ts';
import { createAuditLog } from './log.ts';
import type { AuditRange } from './log.ts';

/** A log of entries of these sizes. */
async function filled(sizes: readonly number[]) {
  const kafka = createFakeKafka();
  const port = kafka.connect('reader');
  await port.admin.createTopics([{ name: AUDIT_TOPIC, partitions: 1, replicationFactor: 1, config: {} }]);
  let head = auditStart;
  for (const [index, size] of sizes.entries()) {
    const tenant = `tenants/t${index % 3}`;
    const next = chainEntry(AuditEntry.fromPartial({ tenant, detail: 'x'.repeat(size) }), head);
    head = next.head;
    kafka.append(AUDIT_TOPIC, 0, { key: null, value: next.value });
  }
  const log = createAuditLog({ kafka: port, topicPrefix: 'postrider.', clock: port.clock });
  return { log, port, [Symbol.asyncDispose]: () => port[Symbol.asyncDispose]() };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => BigInt(index + 1));

async function readAll(range: AuditRange, read: (range: AuditRange) => Promise<{ next: number }>, back: boolean) {
  let { from, until } = range;
  let stretches = 0;
  while (from < until) {
    const { next } = await read({ from, until });
    stretches += 1;
    if (back) until = next;
    else from = next;
  }
  return stretches;
}

for (const [what, sizes] of [
  ['many small', Array.from({ length: 2 * serverLimits.auditStretchRecordsMax + 10 }, () => 10)],
  ['few large', Array.from({ length: 40 }, () => 300_000)],
] as const) {
  test(`${what} entries are read once each, forwards and backwards, and never all at once`, async () => {
    await using run = await filled(sizes);
    const { log } = run;
    const range = await log.range(undefined, undefined);
    const seen: bigint[] = [];
    const forwards = async (part: AuditRange) => {
      const found = await log.read(part);
      seen.push(...found.found.map(({ entry }) => entry.sequence));
      return found;
    };
    assert.ok((await readAll(range, forwards, false)) > 2);
    assert.deepEqual(seen, numbers(sizes.length));
    seen.length = 0;
    const backwards = async (part: AuditRange) => {
      const found = await log.readBack(part);
      seen.unshift(...found.found.map(({ entry }) => entry.sequence));
      return found;
    };
    assert.ok((await readAll(range, backwards, true)) > 2);
    assert.deepEqual(seen, numbers(sizes.length));
    for (const sequence of [1n, 2n, BigInt(sizes.length >> 1), BigInt(sizes.length)]) {
      assert.equal((await log.find(sequence))?.entry.sequence, sequence);
    }
    assert.equal(await log.find(BigInt(sizes.length + 1)), null);
  });
}

test('of other tenants there is nothing, neither in a stretch nor by its number', async () => {
  await using run = await filled(Array.from({ length: 30 }, () => 1));
  const near = run.log.within(new Set(['t1']));
  const { found } = await near.read(await near.range(undefined, undefined));
  assert.deepEqual(
    found.map(({ entry }) => entry.tenant),
    Array.from({ length: 10 }, () => 'tenants/t1'),
  );
  assert.equal(await near.find(1n), null);
  assert.equal((await near.find(2n))?.entry.sequence, 2n);
});
