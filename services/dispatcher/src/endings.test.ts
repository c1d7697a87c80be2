/** Endings over a table that notes what it is told to finish. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import { createFakeClock } from '@postrider/kafka/testing';
import { DEAD_LETTER_HEADER, header } from '@postrider/kafka';
import { deliveryRecord } from '../testing/test-records.ts';
import { createEndings, type EndingsOptions } from './endings.ts';
import type { Result } from './result-record.ts';
import type { Work } from './work.ts';

test('a delivery whose endpoint has a configuration that cannot be used ends as expired, not by a fault of ours', () => {
  const clock = createFakeClock();
  const finished: Result[] = [];
  const record = deliveryRecord('order-1', 'shop', clock.now(), '{}', { endpointRevision: '1' });
  const delivery = { header: record.headers['postrider-delivery'] as Buffer, body: record.value };
  const endings = createEndings({
    ...{ clock, reign: { partition: 0 }, events: { deadLettered: () => undefined }, deadLetterTopic: 'dead-letters' },
    view: { reached: () => true },
    endpoints: {
      get: () => {
        throw new TypeError('planted');
      },
    },
    table: () => ({
      bytesOf: () => delivery,
      finish: (_: Work, results: readonly Result[]) => void finished.push(...results),
    }),
  } as unknown as EndingsOptions);
  endings.expire({ view: null, delivery, origin: { bulk: false, offset: 3 } } as Work);
  const written = finished[0]?.record ?? assert.fail('nothing was written');
  const letter = DeadLetter.decode(header({ headers: written.headers ?? {} }, DEAD_LETTER_HEADER) as Buffer);
  assert.deepEqual([finished.length, letter.reason, letter.delivery?.intake?.offset], [1, DeadReason.EXPIRED, 3n]);
});
