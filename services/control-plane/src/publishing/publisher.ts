import { PostriderError } from '@postrider/core';
import { serverLimits } from '../server-limits.ts';
import type { Clock, PublishedRecord } from '@postrider/core';
import type { KafkaError, KafkaPort, Producer } from '@postrider/kafka';

export interface PublisherOptions {
  readonly kafka: Pick<KafkaPort, 'admin'>;
  readonly producer: Pick<Producer, 'enqueue'>;
  /** Full name of the source topic that is written to. */
  readonly topic: string;
  readonly clock: Clock;
}

/** Why an event is not published, or may not be; null: Kafka has acknowledged it. */
export type Published = PostriderError | null;

/** Writes events to the source topic. */
export interface Publisher {
  /** How many partitions the topic has. Throws `unavailable` when that cannot be told. */
  partitions(): Promise<number>;
  /**
   * Before anything is made of so many events, whose bytes may not be known yet.
   * @throws PostriderError `limit_reached` when there is no room for them, with when to come back
   */
  checkRoom(events: number, bytes?: number): void;
  /**
   * Resolves when each of the records is acknowledged, or after `publishDeadlineMs` with what is known then: what was not handed
   * to Kafka by then is never written. What is published first is written first.
   * @throws PostriderError `limit_reached`, with when to come back: as much as may be is being written, and nothing of this is
   */
  publish(records: readonly PublishedRecord[]): Promise<readonly Published[]>;
}

/** A publisher for all callers of a process. */
export function createPublisher(options: PublisherOptions): Publisher {
  return new OnePublisher(options);
}

class OnePublisher implements Publisher {
  readonly #options: PublisherOptions;
  #count = 0;
  #bytes = 0;
  #asked: { readonly at: number; readonly partitions: Promise<number> } | null = null;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  async partitions(): Promise<number> {
    const { clock, kafka, topic } = this.#options;
    const now = clock.monotonic();
    if (this.#asked === null || now - this.#asked.at >= serverLimits.partitionsKnownMs) {
      const asked = { at: now, partitions: kafka.admin.offsets(topic).then((ranges) => ranges.length) };
      this.#asked = asked;
      // What failed is asked again by the next call.
      asked.partitions.catch(() => {
        if (this.#asked === asked) this.#asked = null;
      });
    }
    try {
      return await this.#asked.partitions;
    } catch (cause) {
      throw new PostriderError('unavailable', `the topic ${topic} cannot be written to at the moment`, { cause });
    }
  }

  checkRoom(events: number, bytes = 0): void {
    const { publishingMax, publishingBytesMax } = serverLimits;
    // Whoever comes first is let in whatever it brings, or nobody ever would be.
    const isFull = this.#count + events > publishingMax || this.#bytes + bytes > publishingBytesMax;
    if (!isFull || this.#count === 0) return;
    const text = `this replica is writing ${this.#count} events of ${this.#bytes} bytes; come back later`;
    throw new PostriderError('limit_reached', text, { retryAfterMs: serverLimits.retryAfterMs });
  }

  publish(records: readonly PublishedRecord[]): Promise<readonly Published[]> {
    const bytes = records.reduce((sum, record) => sum + bytesOf(record), 0);
    this.checkRoom(records.length, bytes);
    this.#count += records.length;
    this.#bytes += bytes;
    return this.#write(records);
  }

  async #write(records: readonly PublishedRecord[]): Promise<readonly Published[]> {
    const { producer, topic, clock } = this.#options;
    const outcomes: (Published | undefined)[] = records.map(() => undefined);
    const handed = records.map(() => false);
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = records.length;
    let isLate = false;
    if (left === 0) resolve();
    for (const [index, record] of records.entries()) {
      const mayWrite = (): boolean => !isLate && (handed[index] = true);
      producer.enqueue({ topic, ...record, mayWrite }, (error) => {
        this.#count -= 1;
        this.#bytes -= bytesOf(record);
        if (!isLate) outcomes[index] = error === null ? null : failureOf(error, handed[index] === true);
        left -= 1;
        if (left === 0) resolve();
      });
    }
    const cancel = clock.after(serverLimits.publishDeadlineMs, () => {
      isLate = true;
      resolve();
    });
    await promise;
    cancel();
    return outcomes.map((outcome, index) => (outcome === undefined ? tooLate(handed[index] === true) : outcome));
  }
}

function bytesOf({ value, key, headers }: PublishedRecord): number {
  return Object.entries(headers).reduce(
    (sum, [name, text]) => sum + name.length + text.length,
    value.length + key.length,
  );
}

function tooLate(wasHanded: boolean): PostriderError {
  const seconds = serverLimits.publishDeadlineMs / 1_000;
  if (wasHanded) return unknown(`Kafka has not acknowledged it within ${seconds} s`);
  return new PostriderError('unavailable', `Kafka took nothing for ${seconds} s; it is not published: try again`);
}

function failureOf(error: KafkaError, wasHanded: boolean): PostriderError {
  switch (error.code) {
    case 'RECORD_TOO_LARGE':
      return new PostriderError('limit_reached', 'the event is larger than the topic takes', { cause: error });
    case 'CLOSED':
      if (wasHanded) return unknown('this replica is stopping');
      return new PostriderError('unavailable', 'this replica is stopping; it is not published', { cause: error });
    default:
      return new PostriderError('unavailable', 'Kafka refuses the event; it is not published', { cause: error });
  }
}

function unknown(why: string): PostriderError {
  const text = `${why}, so whether it is published is unknown: publish it again with the same id`;
  return new PostriderError('outcome_unknown', text);
}
