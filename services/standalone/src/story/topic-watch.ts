import { topicName, type IncomingRecord, type KafkaPort, type TopicId } from '@postrider/kafka';
import { createInbox } from './inbox.ts';

/** Where a record stands, and when Kafka took it. */
export type Place = Pick<IncomingRecord, 'topic' | 'partition' | 'offset' | 'timestamp'>;

/** Records that come to some topics from now on. */
export interface TopicWatch extends AsyncDisposable {
  /** The first record of these topics that `pick` wants, with its place; rejects when the signal aborts first. */
  find<R>(topics: readonly TopicId[], pick: (record: IncomingRecord) => R | null): Promise<Found<R>>;
}

export interface Found<R> {
  readonly value: R;
  readonly place: Place;
}

/** Follows the topics from their ends as they are now. */
export async function watchTopics(
  kafka: KafkaPort,
  prefix: string,
  ids: readonly TopicId[],
  signal: AbortSignal,
): Promise<TopicWatch> {
  const inbox = createInbox<IncomingRecord>(signal);
  await using readers = new AsyncDisposableStack();
  for (const id of ids) {
    const topic = topicName(prefix, id);
    const ends = await kafka.admin.offsets(topic);
    readers.use(
      await kafka.reader({
        topic,
        from: new Map(ends.map(({ partition, high }) => [partition, high])),
        onBatch: (batch) => batch.records.forEach(inbox.push),
      }),
    );
  }
  const owned = readers.move();
  return {
    find<R>(topics: readonly TopicId[], pick: (record: IncomingRecord) => R | null): Promise<Found<R>> {
      const names = topics.map((id) => topicName(prefix, id));
      return inbox.find(`the record on ${names.join(' or ')}`, (record) => {
        if (!names.includes(record.topic)) return null;
        const value = pick(record);
        return value === null ? null : { value, place: record };
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
