import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConfigMark } from './config-mark.ts';
import type { ConfigView } from '@postrider/config-view';

test('what is written and read while it is asked where the topic ends is no loss; an end below what was read before is', async () => {
  let read = 5;
  let end = 5;
  const mark = createConfigMark({
    admin: {
      offsets: () => Promise.resolve([{ partition: 0, low: 0, high: end }]),
      // Others write, and this replica reads it, before the second answer comes.
      topicIds: (topics) => Promise.resolve(new Map(topics.map((topic) => [topic, `id of ${(read += 1) && topic}`]))),
    },
    view: {
      position: () => ({ next: read, highest: read }),
      snapshot: () => ({ revision: '7' }),
    } as unknown as ConfigView,
    topicPrefix: 'postrider.',
    seat: { commit: () => Promise.resolve(), committed: () => Promise.resolve(null) },
  });
  assert.equal(await mark.inspect(), '7');
  end = 3;
  await assert.rejects(mark.inspect(), /ends at offset 3, but was read up to 6/);
});
