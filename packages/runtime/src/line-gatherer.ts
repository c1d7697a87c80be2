/** Where lines go, many at a time. */
export interface LineSink {
  write(lines: string): unknown;
  /** Writes what it holds before it returns. */
  flushSync(): void;
}

/** How a logger hands over its lines. */
export interface LineGatherer extends LineSink {
  write(line: string): void;
}

/** How much is handed on at once, in characters: what is being written when a process ends may be cut off. */
const HANDED_ON_MAX = 8_192;

/**
 * Hands on the lines of one turn of the event loop together: a sink that is given each by itself measures and joins for
 * as long as the line took to make. A line is held to the end of the turn and no longer; `flushSync` hands it on at once,
 * as whoever ends the process must.
 */
export function gatherLines(sink: LineSink): LineGatherer {
  let held = '';
  const handOn = (): void => {
    const lines = held;
    held = '';
    if (lines !== '') sink.write(lines);
  };
  return {
    write(line) {
      if (held === '') setImmediate(handOn);
      held += line;
      if (held.length >= HANDED_ON_MAX) handOn();
    },
    flushSync() {
      handOn();
      sink.flushSync();
    },
  };
}
