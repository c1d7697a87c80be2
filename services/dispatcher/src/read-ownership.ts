import { OWNERSHIP_LOOK_BACK_MS, tellsAll } from '@postrider/core';
import { ask, endsOf } from './ask-kafka.ts';
import { createOwnershipLog, type OwnershipLog } from './ownership-log.ts';
import type { Ownership } from '@postrider/core';
import type { TakeOverOptions } from './take-over.ts';

/**
 * Reads the partition of `ownership` to its end, as a member, beginning as far back as it takes to know who owns it and
 * what is done. Progress stays a day or longer before it is compacted, once a second: its last quarter of an hour tells the
 * same as all of it. Null when the partition was lost on the way.
 */
export async function readOwnershipLog(options: TakeOverOptions): Promise<OwnershipLog | null> {
  const { pod, partition, feed, changes, wanted } = options;
  const ends = await endsOf(options, 'ownership', () => !wanted());
  if (ends === null || !wanted()) return null;
  for (let backMs = OWNERSHIP_LOOK_BACK_MS; ; backMs *= 2) {
    const since = pod.clock.now() - backMs;
    const found = await ask(
      options,
      () => pod.offsetsAt(pod.topic('ownership'), since),
      () => !wanted(),
    );
    if (found === null || !wanted()) return null;
    const start = Math.max(ends.low, Math.min(found.get(partition) ?? ends.low, ends.end));
    const log = createOwnershipLog(start);
    options.onLog(log);
    feed.hold('ownership');
    feed.seek('ownership', start);
    feed.run('ownership');
    await changes.until(() => !wanted() || log.position >= ends.end);
    if (!wanted()) return null;
    // Compaction leaves a gap before the first record, so the first offset may never be where reading begins.
    if (start <= ends.low || since <= 0 || tellsAll(since, log.progressAt)) return log;
  }
}

/** Reads what has been added to the log since, without being a member any more. */
export async function readOn({ pod, partition }: TakeOverOptions, log: OwnershipLog): Promise<Ownership> {
  await using reader = await pod.reader({
    topic: pod.topic('ownership'),
    partitions: [partition],
    from: new Map([[partition, log.position]]),
    onBatch: (batch) => log.read(batch, () => undefined),
  });
  await reader.caughtUp;
  return log.state;
}
