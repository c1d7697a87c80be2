/** A reign over a producer that answers as the test says, on the fake clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaError, type Producer } from '@postrider/kafka';
import { createFakeClock } from '@postrider/kafka/testing';
import { createReign } from './reign.ts';
import type { DispatcherEvents } from './events.ts';

test('a record that turns out too large after it was refused goes in its smaller form', async () => {
  const clock = createFakeClock();
  const answers = ['RECORD_REFUSED', 'RECORD_TOO_LARGE'] as const;
  const written: string[] = [];
  const producer = {
    enqueue(record: { value: Buffer | null }, done: (error: Error | null, ack: { offset: number } | null) => void) {
      const code = answers[written.length];
      written.push(String(record.value));
      clock.after(1, () => (code === undefined ? done(null, { offset: 7 }) : done(new KafkaError(code, 'no'), null)));
    },
  } as unknown as Producer;
  const reign = createReign({
    partition: 0,
    processId: 'p',
    clock,
    fence: { open: () => true, term: 0, lastSentAt: 0 },
    events: { writeRefused: () => undefined } as unknown as DispatcherEvents,
    changed: () => undefined,
  });
  const record = (value: string) => ({ topic: 't', partition: 0, key: null, value: Buffer.from(value) });
  let offset = -1;
  reign.write({
    producer,
    record: record('large'),
    smaller: () => record('small'),
    acked: (at) => {
      offset = at;
    },
  });
  await clock.advance(10_000);
  assert.deepEqual(written, ['large', 'large', 'small']);
  assert.equal(offset, 7);
  assert.equal(reign.writing, 0);
});
