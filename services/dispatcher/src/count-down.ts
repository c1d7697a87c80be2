/** To be called `count` times, at least one; `done` is called by the last of them. */
export function countDown(count: number, done: () => void): () => void {
  if (count === 1) return done;
  let left = count;
  return () => {
    left -= 1;
    if (left === 0) done();
  };
}
