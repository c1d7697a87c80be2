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

/** How long a line is held at most. */
const HELD_MS = 10;
/** How much is held at most, in characters: what is being written when a process ends may be cut off. */
const HELD_MAX = 16_384;

/**
 * Hands on lines many at a time: a sink that is given each by itself measures, joins and writes it for as long as it took
 * to make. `flushSync` hands on what is held at once, as whoever ends the process must.
 */
export function gatherLines(sink: LineSink): LineGatherer {
  let held = '';
  let timer: NodeJS.Timeout | null = null;
  const handOn = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const lines = held;
    held = '';
    if (lines !== '') sink.write(lines);
  };
  return {
    write(line) {
      held += line;
      if (held.length >= HELD_MAX) handOn();
      // Nothing else may keep the process from ending: it waits for this timer.
      else timer ??= setTimeout(handOn, HELD_MS);
    },
    flushSync() {
      handOn();
      sink.flushSync();
    },
  };
}
