import type { RandomBytes } from './ids.ts';

/**
 * Randomness drawn in large pieces: asking the system costs microseconds, whatever the number of bytes. For ids on the
 * hot path; what is handed out shares memory with what was handed out before it, so secrets and nonces are drawn by
 * `separateRandom`.
 * @param poolBytes bytes drawn at once
 */
export function pooledRandom(random: RandomBytes, poolBytes = 8_192): RandomBytes {
  let pool = random(0);
  let used = 0;
  return (bytes) => {
    if (bytes > poolBytes) return random(bytes);
    if (used + bytes > pool.length) {
      // A new buffer each time: earlier pieces stay what they were.
      pool = random(poolBytes);
      used = 0;
    }
    used += bytes;
    return pool.subarray(used - bytes, used);
  };
}

/**
 * The same for secrets and nonces, too: each piece is memory of its own, and nothing of it stays in the pool.
 * @param poolBytes bytes drawn at once
 */
export function separateRandom(random: RandomBytes, poolBytes = 8_192): RandomBytes {
  const draw = pooledRandom(random, poolBytes);
  return (bytes) => {
    const drawn = draw(bytes);
    const piece = Buffer.alloc(bytes, drawn);
    drawn.fill(0);
    return piece;
  };
}
