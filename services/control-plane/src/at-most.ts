import { PostriderError } from '@postrider/core';

/**
 * The same work, so many times at once at most. What nobody waits for any more counts until it ends.
 * @throws PostriderError `unavailable` with `refusal` beyond that
 */
export function atMost<Args extends readonly unknown[], T>(
  most: number,
  work: (...args: Args) => Promise<T>,
  refusal: string,
): (...args: Args) => Promise<T> {
  let running = 0;
  return async (...args) => {
    if (running >= most) throw new PostriderError('unavailable', refusal);
    running += 1;
    try {
      return await work(...args);
    } finally {
      running -= 1;
    }
  };
}
