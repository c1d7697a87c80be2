import { write, writeSync } from 'node:fs';

/** Writes lines to a file descriptor. Whoever writes a line never waits: what is not taken is held, and beyond a bound dropped. */
export interface LineWriter {
  /** Writes `head`, `body` and `tail` as one line, of which `head` and `body` overlap in one character: `body`'s. */
  line(head: string, body: string, tail: string): void;
  /** Writes what is held before it returns, as far as the descriptor takes it. */
  flushSync(): void;
}

/** How lines are written. */
export interface LineWriterOptions {
  readonly fd: number;
  /** Bytes that are held while the descriptor does not take them. Beyond, lines are dropped. */
  readonly heldBytesMax: number;
  /** Tests pass their own. */
  readonly write?: typeof write;
}

const CHUNK_BYTES = 64 * 1_024;
/** Lines gather for so long: a call for each would cost more than the line. */
const GATHER_MS = 10;
const AGAIN_MS = 100;
const STUCK_MS = 1_000;
/** How often a descriptor that is full is asked at the end. */
const LAST_TRIES = 10;
const COMMA = 0x2c;

/** A writer that holds nothing. What it holds when the process ends is written then. */
export function createLineWriter(options: LineWriterOptions): LineWriter {
  const writer = new Writer(options);
  process.on('exit', () => writer.flushSync());
  return writer;
}

class Writer implements LineWriter {
  readonly #o: LineWriterOptions;
  readonly #write: typeof write;
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #used = 0;
  /** Full chunks, the oldest first; the first may be under way. */
  #full: Buffer[] = [];
  #held = 0;
  #planned = false;
  #writing = false;
  /** When the write that is under way was begun. */
  #writingSince = 0;

  constructor(options: LineWriterOptions) {
    this.#o = options;
    this.#write = options.write ?? write;
  }

  line(head: string, body: string, tail: string): void {
    // A UTF-16 unit is at most three bytes of UTF-8.
    const most = 3 * (head.length + body.length + tail.length);
    if (this.#held + this.#used + most > this.#o.heldBytesMax) return;
    if (this.#used + most > this.#chunk.length) this.#seal(most);
    const chunk = this.#chunk;
    let at = this.#used + chunk.write(head, this.#used);
    const joint = at - 1;
    at = joint + chunk.write(body, joint);
    chunk[joint] = COMMA;
    this.#used = at + chunk.write(tail, at);
    this.#plan(GATHER_MS);
  }

  flushSync(): void {
    // Whoever takes nothing does not keep the process from ending.
    if (this.#writing && performance.now() - this.#writingSince > STUCK_MS) return;
    this.#seal(CHUNK_BYTES);
    try {
      for (const chunk of this.#full.splice(0)) writeAll(this.#o.fd, chunk);
    } catch {
      // Nobody reads any more.
    }
    this.#held = 0;
  }

  #plan(ms: number): void {
    if (this.#planned || this.#writing) return;
    this.#planned = true;
    setTimeout(() => {
      this.#planned = false;
      this.#next();
    }, ms).unref();
  }

  #seal(roomFor: number): void {
    if (this.#used > 0) {
      this.#full.push(this.#chunk.subarray(0, this.#used));
      this.#held += this.#used;
      this.#used = 0;
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, roomFor));
    } else if (roomFor > this.#chunk.length) this.#chunk = Buffer.allocUnsafeSlow(roomFor);
  }

  #next(): void {
    if (this.#full.length === 0) this.#seal(CHUNK_BYTES);
    const [chunk] = this.#full;
    if (chunk === undefined) return;
    this.#writing = true;
    this.#writingSince = performance.now();
    this.#write(this.#o.fd, chunk, 0, chunk.length, null, (error, written) => {
      this.#writing = false;
      // Written by the end of the process meanwhile.
      if (this.#full[0] !== chunk) return;
      if (error !== null && error.code === 'EAGAIN') return this.#plan(AGAIN_MS);
      // A broken pipe, or a full disk: logs never stop deliveries.
      const done = error === null ? written : chunk.length;
      this.#held -= done;
      if (done < chunk.length) this.#full[0] = chunk.subarray(done);
      else this.#full.shift();
      if (this.#full.length > 0) this.#next();
      else if (this.#used > 0) this.#plan(GATHER_MS);
    });
  }
}

function writeAll(fd: number, chunk: Buffer): void {
  let tries = 0;
  for (let at = 0; at < chunk.length;) {
    try {
      at += writeSync(fd, chunk, at);
    } catch (error) {
      tries += 1;
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || tries === LAST_TRIES) throw error;
    }
  }
}
