import { serverLimits } from '../server-limits.ts';
import type {
  PublishedEvent,
  PublishEventStreamResponse,
  PublishFailure,
  PublishResult,
} from '@postrider/contract/postrider/v1/event_service';

/** What became of the events of a stream. */
export interface StreamSummary {
  /** Counts a part behind all that were counted before, when it is answered. Rejects as `answered` does. */
  take(events: readonly PublishedEvent[], answered: Promise<readonly PublishResult[]>): Promise<void>;
  /** The first failures in the order of the stream, whatever the order of the answers. */
  answer(): PublishEventStreamResponse;
}

/** Nothing was sent yet. */
export function createStreamSummary(): StreamSummary {
  let sent = 0;
  let published = 0n;
  let failed = 0n;
  let failures: PublishFailure[] = [];
  const most = serverLimits.failuresToldMax;

  return {
    async take(events, answered) {
      const first = sent;
      sent += events.length;
      for (const [index, { error }] of (await answered).entries()) {
        if (error === undefined) {
          published += 1n;
          continue;
        }
        failed += 1n;
        failures.push({ index: BigInt(first + index), eventId: events[index]?.id ?? '', error });
        // Parts are answered out of order: the first ones are known at the end, and few more are kept until then.
        if (failures.length >= 2 * most) failures = firstOf(failures, most);
      }
    },
    answer: () => ({ published, failed, failures: firstOf(failures, most) }),
  };
}

function firstOf(failures: readonly PublishFailure[], count: number): PublishFailure[] {
  return failures.toSorted((a, b) => Number(a.index - b.index)).slice(0, count);
}
