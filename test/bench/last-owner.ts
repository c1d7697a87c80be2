import { OWNER_KEY, PROGRESS_KEY, encodeClaim, encodeProgress } from '@postrider/core';

/** Records for a partition of `ownership` that somebody has owned and released: what its tiers hold is of an older reign. */
export function lastOwnerRecords(): readonly { readonly key: Buffer; readonly value: Buffer }[] {
  const nothingDone = { watermark: 0, doneAbove: Buffer.alloc(0) };
  const intake = new Map(['deliveries', 'deliveries.bulk'].map((topic) => [topic, nothingDone]));
  const progress = { epoch: 0, number: 1, processId: 'before', released: true, tiers: new Map(), intake, holds: [] };
  return [
    {
      key: Buffer.from(OWNER_KEY),
      value: encodeClaim({ processId: 'before', randomId: Buffer.alloc(16, 1), followsEpoch: -1 }),
    },
    { key: Buffer.from(PROGRESS_KEY), value: encodeProgress(progress) },
  ];
}
