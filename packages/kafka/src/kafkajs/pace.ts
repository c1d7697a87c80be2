/** Keeps long work from holding up everything else in the process. */
export interface Pace {
  /** The work has gone on for long enough. */
  timeIsUp(): boolean;
  /** Everything else has its turn; then there is time again. */
  turn(): Promise<void>;
}

/** How long work goes on at a stretch. */
const STRETCH_MS = 2;

/** A stretch that begins now. */
export function createPace(): Pace {
  let began = performance.now();
  return {
    timeIsUp: () => performance.now() - began > STRETCH_MS,
    async turn() {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      began = performance.now();
    },
  };
}
