import { styleText } from 'node:util';

type Colour = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

/** Puts a text in a colour, or leaves it as it is where colours are not wanted. */
export type Paint = (colour: Colour, text: string) => string;

/** A step that is done, and how long it took. */
export interface FinishedStep {
  readonly what: string;
  readonly ms: number;
}

/** What a person sees of a standalone installation. */
export interface Screen {
  readonly paint: Paint;
  line(text?: string): void;
  /**
   * Shows a step that takes time, with its seconds. On a terminal it has one line, which goes when the step is done; else
   * it has a line when it begins and one when it is done. `say` tells what is being done at the moment.
   */
  step<T>(what: string, work: (say: (text: string) => void) => Promise<T>): Promise<T>;
  /** The steps that are done. */
  readonly finished: readonly FinishedStep[];
}

const tickMs = 1_000;
const clearLine = '\r\u001b[K';

/** A screen on `output`; colours only on a terminal, and not when `NO_COLOR` is set. */
export function createScreen(output: NodeJS.WritableStream & { readonly isTTY?: boolean }): Screen {
  const live = output.isTTY === true;
  const paint: Paint = (colour, text) => styleText(colour, text, { stream: output, validateStream: true });
  const finished: FinishedStep[] = [];
  let redraw: (() => void) | undefined;
  const line = (text = ''): void => {
    output.write(`${redraw === undefined ? '' : clearLine}${text}\n`);
    redraw?.();
  };
  return {
    paint,
    line,
    finished,
    async step(what, work) {
      const started = performance.now();
      const elapsed = (): number => performance.now() - started;
      const stop = live ? startTicker(output, what, paint, elapsed) : undefined;
      redraw = stop?.draw;
      if (!live) line(`${what} …`);
      try {
        const value = await work((text) => (stop === undefined ? line(`  ${text}`) : stop.say(text)));
        finished.push({ what, ms: elapsed() });
        if (!live) line(`${what}: ${shownSeconds(elapsed())}`);
        return value;
      } catch (error) {
        line(`${what}: ${isAbort(error) ? 'stopped' : 'failed'} after ${shownSeconds(elapsed())}`);
        throw error;
      } finally {
        redraw = undefined;
        stop?.end();
      }
    },
  };
}

/** A length of time in seconds, for steps that a person waits for. */
export function shownSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Keeps one line of a terminal up to date. */
function startTicker(output: NodeJS.WritableStream, what: string, paint: Paint, elapsed: () => number) {
  let now = '';
  const draw = (): void =>
    void output.write(`${clearLine}${paint('dim', `${what}${now} … ${shownSeconds(elapsed())}`)}`);
  const timer = setInterval(draw, tickMs);
  draw();
  return {
    draw,
    say(text: string): void {
      now = `: ${text}`;
      draw();
    },
    end(): void {
      clearInterval(timer);
      output.write(clearLine);
    },
  };
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
