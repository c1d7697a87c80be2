import type { TopicId } from '@postrider/kafka';
import type { Changes } from './changes.ts';
import type { Pod } from './pod.ts';
import type { Ends } from './serving.ts';

/** For whom Kafka is asked. */
export interface Asking {
  readonly pod: Pod;
  readonly partition: number;
  readonly changes: Changes;
}

/** A question that Kafka did not answer is asked again. */
const ASK_AGAIN_MS = 500;

/**
 * Asks until Kafka answers: without the answer a takeover cannot go on.
 * @returns null when there is no answer and `pointless` says that none is needed any more
 */
export async function ask<T>(
  { pod, changes }: Asking,
  question: () => Promise<T>,
  pointless: () => boolean,
): Promise<T | null> {
  for (;;) {
    try {
      return await question();
    } catch (error) {
      if (pod.stopped()) throw error;
      pod.events.kafkaTrouble(error as Error);
      await pause(pod, changes, ASK_AGAIN_MS, pointless);
      if (pointless()) return null;
    }
  }
}

/** Where a topic of the partition begins and ends; null as above. */
export async function endsOf(asking: Asking, topic: TopicId, pointless: () => boolean): Promise<Ends | null> {
  const { pod, partition } = asking;
  const ends = await ask(asking, () => presentEnds(pod, topic, partition), pointless);
  return ends === undefined ? { low: 0, end: 0 } : ends;
}

/** Where a topic of the partition begins and ends, asked once; undefined when the topic has no such partition. */
export async function presentEnds(
  { freshOffsets, topic: nameOf }: Pick<Pod, 'freshOffsets' | 'topic'>,
  topic: TopicId,
  partition: number,
): Promise<Ends | undefined> {
  const range = (await freshOffsets(nameOf(topic))).find((one) => one.partition === partition);
  return range === undefined ? undefined : { low: range.low, end: range.high };
}

/** Until the time has passed or something makes waiting pointless. */
export async function pause(pod: Pod, changes: Changes, ms: number, enough: () => boolean): Promise<void> {
  let over = false;
  const cancel = pod.clock.after(ms, () => {
    over = true;
    changes.notify();
  });
  await changes.until(() => over || enough());
  cancel();
}
