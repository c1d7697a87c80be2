/**
 * Records that no part of Postrider writes, on every topic that a dispatcher reads, on the fake Kafka and the fake clock.
 * Observed: what endpoints received, what stands on the topics, the log. A good delivery follows each bad record.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { Delivery, RunKind } from '@postrider/contract/postrider/v1/delivery';
import { encodeClaim, encodeProgress, encodeRowVersion, limits, partitionOf, workKey } from '@postrider/core';
import { DELIVERY_HEADER, ROW_HEADER, header, type IncomingRecord } from '@postrider/kafka';
import { createHarness, tenant, type Harness } from '../testing/harness.ts';
import { deliveryRecord, type TestRecord } from '../testing/test-records.ts';

const year9999 = new Date(Date.UTC(9999, 0, 1));
const written = ['attempts', 'dead-letters', 'retry.1m', 'retry.1h', 'retry.14d', 'deliveries'] as const;

function create(): Harness {
  const h = createHarness();
  h.config.endpoint('shop');
  h.config.endpoint('other');
  return h;
}

/** A delivery for `shop`; `fields` replace what its header says. */
function recordOf(
  h: Harness,
  event: string,
  fields: Partial<Delivery> = {},
): TestRecord & { headers: Record<string, Buffer> } {
  const routed = { endpointRevision: h.config.revision(), ...fields };
  const { webhook: _, ...record } = deliveryRecord(event, 'shop', h.clock.now(), '{}', routed);
  return record as TestRecord & { headers: Record<string, Buffer> };
}

const withHeader = (record: TestRecord, bytes: Buffer): TestRecord => ({
  ...record,
  headers: { [DELIVERY_HEADER]: bytes },
});
const headerOf = (record: TestRecord): Buffer => record.headers?.[DELIVERY_HEADER] as Buffer;
const count = (h: Harness): number =>
  written.reduce((sum, topic) => sum + [...Array(16).keys()].reduce((all, p) => all + recordsIn(h, topic, p), 0), 0);
function recordsIn(h: Harness, topic: string, partition: number): number {
  if (topic !== 'attempts' && partition > 0) return 0;
  return h.kafka.records(`postrider.${topic}`, partition).length;
}

/** The good delivery behind what is bad arrives within a second; then a day passes in which next to nothing is written. */
async function goesOn(h: Harness, writesMax: number): Promise<void> {
  await h.until(() => h.log.lines.some(({ message }) => message === 'partition.serving'), 'it serves');
  h.deliver('good', 'other');
  const since = h.clock.now();
  await h.until(() => h.received('good').length === 1, 'the next delivery', 60_000);
  assert.ok(h.clock.now() - since <= 1_000, `${h.clock.now() - since} ms`);
  const before = count(h);
  await h.clock.advance(20 * 60_000);
  assert.ok(count(h) - before <= writesMax, `${count(h) - before} records written`);
  assert.equal(h.received('good').length, 1);
}

const unreadable: readonly [string, (h: Harness) => TestRecord][] = [
  ['a truncated header', (h) => withHeader(recordOf(h, 'bad'), headerOf(recordOf(h, 'bad')).subarray(0, 20))],
  ['a header of random bytes', (h) => withHeader(recordOf(h, 'bad'), Buffer.from('ff00ff7f8012deadbeef', 'hex'))],
  ['fields of other types', (h) => withHeader(recordOf(h, 'bad'), Buffer.from([8, 1, 32, 1, 40, 1, 48, 1]))],
  ['an empty header', (h) => withHeader(recordOf(h, 'bad'), Buffer.alloc(0))],
  ['no header at all', (h) => ({ ...recordOf(h, 'bad'), headers: {} })],
  ['no value', (h) => ({ ...recordOf(h, 'bad'), value: null })],
  ['no endpoint', (h) => recordOf(h, 'bad', { endpointId: '' })],
  ['no tenant', (h) => recordOf(h, 'bad', { tenant: '' })],
  ['no delivery id', (h) => recordOf(h, 'bad', { deliveryId: '' })],
  ['the tenant of somebody else', (h) => recordOf(h, 'bad', { tenant: 'mallory' })],
  [
    'a first-seen time that is none',
    (h) =>
      withHeader(
        recordOf(h, 'bad'),
        Buffer.concat([headerOf(recordOf(h, 'bad')), Buffer.from('5a0a08ffffffffffffffff7f', 'hex')]),
      ),
  ],
];

for (const [what, bad] of unreadable) {
  test(`${what}: one dead letter with what was there, nothing is sent, the next delivery follows at once`, async () => {
    const h = create();
    const dispatcher = await h.start('a');
    h.kafka.append('postrider.deliveries', 0, bad(h));
    await goesOn(h, 1);
    assert.equal(h.received('bad').length, 0);
    const [letter, ...more] = h.deadLetters();
    assert.deepEqual(more, []);
    assert.equal(letter?.letter.reason, DeadReason.UNREADABLE);
    assert.ok(letter.letter.detail.length > 0);
    assert.ok(h.log.lines.some(({ message }) => message === 'delivery.unreadable'));
    assert.equal(h.watermark(), 2);
    await h.stop(dispatcher);
  });
}

test('an endpoint of another partition: a dead letter, for its own owner may be sending to it at this moment', async () => {
  const h = createHarness({ partitions: 2 });
  h.config.endpoint('shop');
  const own = partitionOf('ep_shop', 2);
  const dispatcher = await h.start('a');
  for (const [event, partition] of [
    ['bad', 1 - own],
    ['good', own],
  ] as const)
    h.kafka.append('postrider.deliveries', partition, recordOf(h, event, { layoutGeneration: 1 }));
  h.kafka.append('postrider.deliveries', 1 - own, recordOf(h, 'older', { layoutGeneration: 7 }));
  await h.until(() => h.deadLetters().length === 1 && h.receipts.length === 2, 'both have ended');
  assert.equal(h.received('bad').length, 0);
  // Of another layout than the present one nothing can be said.
  assert.equal(h.received('older').length, 1);
  await h.stop(dispatcher);
});

const clamped: readonly [string, Partial<Delivery>, readonly string[]][] = [
  ['attempt 2^31', { attempt: 2 ** 31 }, ['attempt']],
  ['attempt -1', { attempt: 2 ** 32 - 1 }, ['attempt']],
  ['2^31 failures of our own', { internalFailures: 2 ** 31 }, ['internalFailures']],
  ['an end in the year 9999', { expiresAt: year9999 }, ['expiresAt']],
  ['no end', { expiresAt: undefined }, ['expiresAt']],
];

for (const [what, fields, named] of clamped) {
  test(`${what}: brought back within bounds and told; what fails then is over within its schedule`, async () => {
    const h = create();
    h.endpointsAnswer(({ path }) => (path === '/shop' ? 503 : 200));
    const dispatcher = await h.start('a');
    h.kafka.append('postrider.deliveries', 0, recordOf(h, 'bad', fields));
    await goesOn(h, 30);
    const told = h.log.lines.filter(({ message }) => message === 'delivery.out-of-bounds');
    assert.deepEqual(told[0]?.fields['fields'], named);
    const [row] = h.allRows();
    if (named[0] === 'attempt') assert.equal(h.deadLetters()[0]?.letter.reason, DeadReason.EXHAUSTED);
    else assert.ok(row !== undefined && Number(row.delivery.expiresAt) <= h.clock.now() + limits.retrySpanMaxMs);
    assert.ok(h.received('bad').every(({ attempt }) => attempt <= limits.retryAttemptsMax + 1));
    await h.stop(dispatcher);
  });
}

test('due in the year 9999: not sent, and over when its time is over', async () => {
  const h = create();
  const dispatcher = await h.start('a');
  const expiresAt = new Date(h.clock.now() + 600_000);
  h.kafka.append('postrider.deliveries', 0, recordOf(h, 'bad', { dueAt: year9999, expiresAt }));
  await goesOn(h, 3);
  assert.equal(h.deadLetters()[0]?.letter.reason, DeadReason.EXPIRED);
  assert.equal(h.received('bad').length, 0);
  await h.stop(dispatcher);
});

test('an end long over: a dead letter at once, and nothing is sent', async () => {
  const h = create();
  const dispatcher = await h.start('a');
  h.kafka.append('postrider.deliveries', 0, recordOf(h, 'bad', { expiresAt: new Date(0) }));
  await goesOn(h, 1);
  assert.equal(h.deadLetters()[0]?.letter.reason, DeadReason.EXPIRED);
  assert.equal(h.received('bad').length, 0);
  await h.stop(dispatcher);
});

test('an unknown endpoint is cancelled; the next delivery follows', async () => {
  const h = create();
  const dispatcher = await h.start('a');
  h.kafka.append('postrider.deliveries', 0, recordOf(h, 'bad', { endpointId: 'ep_nobody' }));
  await goesOn(h, 1);
  assert.equal(
    h.attempts().find(({ endpointId }) => endpointId === 'ep_nobody')?.decision?.decision?.$case,
    'cancelled',
  );
  await h.stop(dispatcher);
});

/** Two fields and three enum values that this version does not know, at the end of a header. */
const ofTheFuture = Buffer.concat([
  Buffer.from([0x12, 0x05, 0x08, 0x63, 0x12, 0x01, 0x72]), // run {kind 99, id "r"}
  Buffer.from([0x18, 0x4d]), // kind 77
  Buffer.from([0xa0, 0x01, 0x4c]), // priority_class 76
  Buffer.from([0xd8, 0x06, 0x2a]), // field 107
  Buffer.from([0xe2, 0x06, 0x02, 0x68, 0x69]), // field 108
]);

test('a record of a newer version, with an unknown kind of run, is delivered; its row keeps what is not known here', async () => {
  const h = create();
  h.endpointsAnswer(({ path, attempt }) => (path === '/shop' && attempt === 1 ? 503 : 200));
  const dispatcher = await h.start('a');
  const record = recordOf(h, 'new');
  const bytes = Buffer.concat([headerOf(record), ofTheFuture]);
  h.kafka.append('postrider.deliveries', 0, withHeader(record, bytes));
  await h.until(() => h.allRows().length === 1, 'it waits');
  const row = ['retry.1m', 'retry.1h', 'retry.14d'].flatMap((tier) =>
    h.kafka.records(`postrider.${tier}`),
  )[0] as IncomingRecord;
  const kept = header(row, DELIVERY_HEADER) as Buffer;
  for (const part of [
    [0x18, 0x4d],
    [0xa0, 0x01, 0x4c],
    [0xd8, 0x06, 0x2a],
    [0xe2, 0x06, 0x02, 0x68, 0x69],
    [0x08, 0x63],
  ])
    assert.ok(kept.includes(Buffer.from(part)), part.join(' '));
  await h.until(() => h.received('new').length === 2, 'it is delivered', 3_600_000);
  await h.until(() => h.allRows().length === 0, 'it has ended');
  await h.stop(dispatcher);
});

const progress = (epoch: number, number: number, watermark: number, doneAbove = Buffer.alloc(0)) =>
  encodeProgress({
    ...{ epoch, number, processId: 'stranger', released: true, tiers: new Map(), holds: [] },
    intake: new Map([['deliveries', { watermark, doneAbove }]]),
  });

const ownership: readonly [string, string, Buffer][] = [
  ['a foreign key', 'somebody', Buffer.from('x')],
  [
    'a truncated claim',
    'owner',
    encodeClaim({ processId: 'p', randomId: Buffer.alloc(16), followsEpoch: 0 }).subarray(0, 9),
  ],
  [
    'a claim that follows what has not happened',
    'owner',
    encodeClaim({ processId: 'p', randomId: Buffer.alloc(16), followsEpoch: 1_000_000 }),
  ],
  ['a truncated progress', 'progress', progress(0, 9, 5).subarray(0, 7)],
  ['a progress of an epoch above the end of the log', 'progress', progress(1_000_000, 1, 5)],
  [
    'a progress that has done more than can be remembered',
    'progress',
    progress(0, 9_999, 0, Buffer.alloc(20_000, 255)),
  ],
  ['a progress that has done what was never written', 'progress', progress(0, 9_999, 1_000)],
  ['a progress with bits beyond the end', 'progress', progress(0, 9_999, 0, Buffer.alloc(100, 255))],
];

for (const [what, key, value] of ownership) {
  test(`${what} on ownership: nothing is lost, no process ends, and claims do not pile up`, async () => {
    const h = create();
    h.kafka.append('postrider.ownership', 0, {
      key: Buffer.from('owner'),
      value: encodeClaim({ processId: 'gone', randomId: Buffer.alloc(16), followsEpoch: -1 }),
    });
    h.kafka.append('postrider.ownership', 0, { key: Buffer.from(key), value });
    const first = await h.start('a');
    h.deliver('order-1', 'shop');
    await h.until(() => h.received('order-1').length === 1, 'the first delivery', 120_000);
    // And once more behind what the owner has written.
    h.kafka.append('postrider.ownership', 0, { key: Buffer.from(key), value });
    h.deliver('order-2', 'shop');
    await h.until(() => h.received('order-2').length === 1, 'the second delivery', 120_000);
    await h.clock.advance(60_000);
    first.port.kill();
    const second = await h.start('b');
    h.deliver('order-3', 'shop');
    await h.until(() => h.received('order-3').length === 1, 'the third delivery', 120_000);
    await h.clock.advance(600_000);
    const claims = h.kafka.records('postrider.ownership').filter((record) => record.key?.toString() === 'owner');
    assert.ok(claims.length <= 8, `${claims.length} claims`);
    await h.stop(second);
  });
}

const rowHeaders = (delivery: Buffer, epoch: number, n: number) => ({
  [DELIVERY_HEADER]: delivery,
  [ROW_HEADER]: encodeRowVersion(epoch, n),
});

/** What a stranger has put into a tier under the key of a delivery that is not on `deliveries`. */
const rows: readonly [string, (h: Harness) => TestRecord, 'quarantined' | 'nothing'][] = [
  ['a row without a version', (h) => ({ ...recordOf(h, 'bad'), key: keyOf(h) }), 'quarantined'],
  ['a row with a broken version', (h) => rowOf(h, { [ROW_HEADER]: Buffer.from('ff', 'hex') }), 'quarantined'],
  ['a row of an epoch far above ours', (h) => rowOf(h, { [ROW_HEADER]: encodeRowVersion(2 ** 50, 7) }), 'quarantined'],
  ['a row with the key of another', (h) => ({ ...rowOf(h, {}), key: Buffer.from('dlv_other') }), 'quarantined'],
  ['a row with a key that is no text', (h) => ({ ...rowOf(h, {}), key: Buffer.from('ff80fe', 'hex') }), 'quarantined'],
  ['a row with a broken delivery', (h) => rowOf(h, { [DELIVERY_HEADER]: Buffer.from('0a', 'hex') }), 'quarantined'],
  [
    'a row of a foreign tenant',
    (h) => rowOf(h, { [DELIVERY_HEADER]: headerOf(recordOf(h, 'bad', { tenant: 'mallory' })) }),
    'quarantined',
  ],
  ['a tombstone of an unknown key', (h) => ({ ...rowOf(h, {}), value: null }), 'nothing'],
  [
    'a tombstone of an epoch far above ours',
    (h) => ({ ...rowOf(h, { [ROW_HEADER]: encodeRowVersion(2 ** 50, 7) }), value: null }),
    'nothing',
  ],
];
const keyOf = (h: Harness): Buffer =>
  Buffer.from(workKey(Delivery.decode(headerOf(recordOf(h, 'bad'))).deliveryId, ''));
const rowOf = (h: Harness, headers: Record<string, Buffer>): TestRecord => ({
  key: keyOf(h),
  value: Buffer.from('{}'),
  headers: { ...rowHeaders(headerOf(recordOf(h, 'bad')), 0, 1), ...headers },
});

for (const [what, bad, ends] of rows) {
  test(`${what} in a tier, read by a takeover: ${ends}, once, also by the next owners`, async () => {
    const h = create();
    h.kafka.append('postrider.retry.1m', 0, bad(h));
    const first = await h.start('a');
    await goesOn(h, 4);
    first.port.kill();
    const second = await h.start('b');
    await h.clock.advance(120_000);
    assert.equal(h.received('bad').length, 0);
    assert.equal(h.deadLetters().length, ends === 'quarantined' ? 1 : 0);
    assert.ok(h.deadLetters().every(({ letter }) => letter.reason === DeadReason.UNREADABLE && letter.detail !== ''));
    await h.stop(second);
  });

  test(`${what} in a tier, behind its owner: answered, and nothing is sent`, async () => {
    const h = create();
    const first = await h.start('a');
    await h.until(() => h.ownership().progress !== null, 'it serves');
    h.deliver('warm', 'other');
    await h.until(() => h.watermark() === 1, 'it delivers');
    h.kafka.append('postrider.retry.1m', 0, bad(h));
    await goesOn(h, 4);
    assert.equal(h.received('bad').length, 0);
    await h.stop(first);
  });
}

test('a row that stands for a record of after the claim ends none: that record is delivered', async () => {
  const h = create();
  const intake = { bulk: false, offset: 3n };
  h.kafka.append('postrider.retry.1m', 0, rowOf(h, { [DELIVERY_HEADER]: headerOf(recordOf(h, 'bad', { intake })) }));
  const dispatcher = await h.start('a');
  await h.until(() => h.received('bad').length === 1 && h.allRows().length === 0, 'the row has ended', 120_000);
  for (let i = 0; i < 5; i += 1) h.deliver(`order-${i}`, 'shop');
  await h.until(() => h.watermark() === 5, 'all are done', 120_000);
  for (let i = 0; i < 5; i += 1) assert.equal(h.received(`order-${i}`).length, 1, `order-${i}`);
  await h.stop(dispatcher);
});

test('a resend with an unknown kind of run is a run of its own', async () => {
  const h = create();
  const dispatcher = await h.start('a');
  h.deliver('order-1', 'shop');
  h.deliver('order-1', 'shop', { run: { kind: RunKind.RESEND, id: 'r1' } });
  await h.until(() => h.received('order-1').length === 2, 'both runs');
  assert.equal(tenant, 'acme');
  await h.stop(dispatcher);
});
