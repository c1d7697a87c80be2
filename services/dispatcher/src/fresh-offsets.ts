import type { OffsetRange } from '@postrider/kafka';

/**
 * The ends of a topic's partitions, as they are after the call: what was written and acknowledged before it is below them.
 * Calls while a question is under way share the next one, since the one under way may already have been answered.
 */
export type FreshOffsets = (topic: string) => Promise<readonly OffsetRange[]>;

/** Asks once for all who call at the same time. */
export function createFreshOffsets(ask: (topic: string) => Promise<readonly OffsetRange[]>): FreshOffsets {
  const asking = new Map<string, Promise<unknown>>();
  const next = new Map<string, Promise<readonly OffsetRange[]>>();
  return (topic) => {
    const planned = next.get(topic);
    if (planned !== undefined) return planned;
    const current = asking.get(topic) ?? Promise.resolve();
    const question = current
      .catch(() => undefined)
      .then(() => {
        next.delete(topic);
        const answer = ask(topic);
        asking.set(topic, answer);
        return answer;
      })
      .finally(() => {
        if (!next.has(topic)) asking.delete(topic);
      });
    next.set(topic, question);
    return question;
  };
}
