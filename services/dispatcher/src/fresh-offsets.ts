import type { Admin, OffsetRange, TopicId } from '@postrider/kafka';

/**
 * The ends of a topic's partitions, as they are after the call: what was written and acknowledged before it is below them.
 * Calls while a question is under way share the next one, since the one under way may already have been answered.
 */
export type FreshOffsets = (topic: string) => Promise<readonly OffsetRange[]>;

/** Many partitions that are taken over together ask about nearly the same time. */
const TIME_STEP_MS = 10_000;

/** Asks once for all who call at the same time. */
export function createFreshOffsets(ask: (topic: string) => Promise<readonly OffsetRange[]>): FreshOffsets {
  return shared(ask);
}

/** As `Admin.offsetsAt`, asked once for all who call at the same time; the time may be up to 10 s earlier. */
export function createOffsetsAt(ask: Admin['offsetsAt']): Admin['offsetsAt'] {
  const question = shared((about) => {
    const [topic = '', timestamp = ''] = about.split(' ');
    return ask(topic, Number(timestamp));
  });
  return (topic, timestamp) => question(`${topic} ${Math.floor(timestamp / TIME_STEP_MS) * TIME_STEP_MS}`);
}

/** Ids of topics by what this project calls them, asked once for all who call at the same time. */
export type TopicIds = () => Promise<ReadonlyMap<TopicId, string>>;

export function createTopicIds(
  ask: Admin['topicIds'],
  topics: readonly TopicId[],
  nameOf: (topic: TopicId) => string,
): TopicIds {
  const question = shared(async () => {
    const ids = await ask(topics.map(nameOf));
    return new Map(topics.map((topic) => [topic, ids.get(nameOf(topic)) ?? '']));
  });
  return () => question('');
}

function shared<Answer>(ask: (about: string) => Promise<Answer>): (about: string) => Promise<Answer> {
  const asking = new Map<string, Promise<unknown>>();
  const next = new Map<string, Promise<Answer>>();
  return (about) => {
    const planned = next.get(about);
    if (planned !== undefined) return planned;
    const current = asking.get(about) ?? Promise.resolve();
    const question = current
      .catch(() => undefined)
      .then(() => {
        next.delete(about);
        const answer = ask(about);
        asking.set(about, answer);
        return answer;
      })
      .finally(() => {
        if (!next.has(about)) asking.delete(about);
      });
    next.set(about, question);
    return question;
  };
}
