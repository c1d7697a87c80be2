import { styleText } from 'node:util';

/** Where a person reads. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

type Colour = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

/** Puts a text in a colour, or leaves it as it is where colours are not wanted. */
export type Paint = (colour: Colour, text: string) => string;

/** What a person sees of a standalone installation. */
export interface Screen {
  readonly paint: Paint;
  line(text?: string): void;
  /**
   * Shows a step that takes time, with its seconds: on a terminal in place, else as a line when it begins and one when it
   * is done. `say` tells its parts.
   */
  step<T>(what: string, work: (say: (text: string) => void) => Promise<T>): Promise<T>;
}

const tickMs = 1_000;
const clearLine = '\r\u001b[K';

/** A screen on `output`; colours only on a terminal, and not when `NO_COLOR` is set. */
export function createScreen(output: Output & NodeJS.WritableStream): Screen {
  const live = output.isTTY === true;
  const paint: Paint = (colour, text) => styleText(colour, text, { stream: output, validateStream: true });
  const line = (text = ''): void => void output.write(`${text}\n`);
  return {
    paint,
    line,
    async step(what, work) {
      const started = performance.now();
      const elapsed = (): string => `${((performance.now() - started) / 1_000).toFixed(1)} s`;
      const waiting = (): void => void output.write(`${clearLine}${paint('dim', `${what} … ${elapsed()}`)}`);
      const settled = (text: string): void => line(`${live ? clearLine : ''}${text}`);
      if (live) waiting();
      else line(`${what} …`);
      const timer = live ? setInterval(waiting, tickMs) : undefined;
      try {
        const value = await work((text) => {
          settled(paint('dim', `  ${text}`));
          if (live) waiting();
        });
        settled(paint('dim', `${what}: ${elapsed()}`));
        return value;
      } catch (error) {
        settled(`${what}: failed after ${elapsed()}`);
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
}
