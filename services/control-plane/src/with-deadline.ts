import { PostriderError, type Clock } from '@postrider/core';
import { serverLimits } from './server-limits.ts';

/** What Kafka answers in time; throws `unavailable` with `late` when it does not. */
export async function withDeadline<T>(work: Promise<T>, clock: Clock, late: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(serverLimits.askDeadlineMs, () => reject(new PostriderError('unavailable', late)));
  try {
    return await Promise.race([work, promise]);
  } finally {
    cancel();
  }
}
