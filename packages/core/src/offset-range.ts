import { PostriderError } from './errors.ts';
import { limits } from './limits.ts';

/** What is done on one topic of a partition, in the form that progress records carry. */
export interface OffsetProgress {
  /** Everything below this offset is done. */
  readonly watermark: number;
  /** Bit i (least significant first within each byte) set: offset `watermark` + i is done. */
  readonly doneAbove: Buffer;
}

/**
 * The offsets of one topic and partition that were taken but are not all done, and what is done above the watermark.
 *
 * Three numbers in order: everything below `watermark` is done; offsets from there up to `position` were taken, or do
 * not exist; from `position` on nothing was taken. An offset at or above `position` may be done all the same: a waiting
 * row carries its source offset, and when the row ends that offset is done, read or not. The watermark then passes it,
 * and `position` with it.
 */
export interface OffsetRange {
  /** Everything below is done. Never goes down. */
  readonly watermark: number;
  /** One past the highest offset that was taken or passed. Never goes down, never below `watermark`. */
  readonly position: number;
  /** `position` − `watermark`: what a crash would read again, at most. Never above the bound. */
  readonly size: number;
  /** Offsets of the range that are not done. */
  readonly open: number;
  /** Whether `offset` may be taken now: the range stays within its bound. A range of size 0 may jump over any gap. */
  fits(offset: number): boolean;
  /**
   * Takes an offset. Offsets are taken in ascending order; what was jumped over does not exist (a gap or a control
   * record) and is done. An offset that was taken before, or is done, changes nothing.
   * @throws PostriderError `limit_reached` when it does not fit
   */
  take(offset: number): void;
  /** Everything below `offset` that was not taken does not exist, for example up to the end of a batch. As far as it fits. */
  pass(offset: number): void;
  /**
   * Marks an offset as done, taken or not.
   * @returns whether that is news; false also for an offset so far above the watermark that it cannot be remembered
   *   (8 times the bound), which is then read again.
   */
  done(offset: number): boolean;
  /** Whether the offset is done. */
  isDone(offset: number): boolean;
  /** What is done, for a progress record. */
  encode(): OffsetProgress;
}

/** How far above the watermark an offset can be remembered as done, in multiples of the bound of the range. */
const MARK_FACTOR = 8;

/**
 * An offset range that goes on from what a progress record says is done; without one, from offset 0.
 * @param sizeMax the bound of `size`
 * @throws PostriderError `progress_unreadable` when `from` cannot be a progress
 */
export function createOffsetRange(
  from: { readonly watermark: number; readonly doneAbove?: Uint8Array } = { watermark: 0 },
  sizeMax: number = limits.offsetRangeMax,
): OffsetRange {
  // A ring of bits, indexed by offset modulo its length.
  const ringBits = 2 ** Math.ceil(Math.log2(sizeMax * MARK_FACTOR));
  const marks = new Uint8Array(ringBits / 8);
  const slot = (offset: number): number => offset % ringBits;
  const marked = (offset: number): boolean => (marks[slot(offset) >>> 3]! & (1 << (slot(offset) & 7))) !== 0;
  const mark = (offset: number): void => void (marks[slot(offset) >>> 3]! |= 1 << (slot(offset) & 7));
  const unmark = (offset: number): void => void (marks[slot(offset) >>> 3]! &= ~(1 << (slot(offset) & 7)));

  let watermark = 0;
  let position = 0;
  /** One past the highest marked offset; at most `watermark` when none is. */
  let top = 0;
  /** Marked offsets below `position`. */
  let marksBelow = 0;

  /** Moves the watermark over what is marked; `position` goes along. */
  const advance = (): void => {
    while (watermark < top && marked(watermark)) {
      unmark(watermark);
      if (watermark < position) marksBelow--;
      watermark++;
    }
    if (position < watermark) position = watermark;
  };
  const setDone = (offset: number): void => {
    mark(offset);
    if (offset < position) marksBelow++;
    if (offset >= top) top = offset + 1;
  };
  /** Nothing is open: the watermark goes straight to `offset`. */
  const jump = (offset: number): void => {
    for (let i = watermark; i < Math.min(top, offset); i++) unmark(i);
    watermark = offset;
    position = offset;
    advance();
  };
  /** Offsets from `position` up to `end` do not exist. */
  const skip = (end: number): void => {
    for (let offset = position; offset < end; offset++) if (!marked(offset)) setDone(offset);
    moveTo(end);
    advance();
  };
  const moveTo = (end: number): void => {
    for (; position < end; position++) if (marked(position)) marksBelow++;
  };

  const fits = (offset: number): boolean => offset - watermark < sizeMax || watermark === position;
  const done = (offset: number): boolean => {
    if (!Number.isSafeInteger(offset) || offset < watermark || offset - watermark >= ringBits) return false;
    if (marked(offset)) return false;
    setDone(offset);
    if (offset === watermark) advance();
    return true;
  };
  const take = (offset: number): void => {
    if (offset < position) return;
    if (!fits(offset)) {
      throw new PostriderError('limit_reached', `offset ${offset} is ${sizeMax} or more above watermark ${watermark}`);
    }
    if (watermark === position) jump(offset);
    else skip(offset);
    if (position === offset) moveTo(offset + 1);
  };

  ({ watermark, position, top } = restore(from, ringBits, mark));
  advance();
  return {
    get watermark() {
      return watermark;
    },
    get position() {
      return position;
    },
    get size() {
      return position - watermark;
    },
    get open() {
      return position - watermark - marksBelow;
    },
    fits,
    take,
    pass(offset) {
      if (offset <= position) return;
      if (watermark === position) jump(offset);
      else skip(Math.min(offset, watermark + sizeMax));
    },
    done,
    isDone: (offset) => offset < watermark || (offset < top && marked(offset)),
    encode: () => ({ watermark, doneAbove: toBytes(watermark, top, marked) }),
  };
}

function toBytes(watermark: number, top: number, marked: (offset: number) => boolean): Buffer {
  const bytes = Buffer.alloc(Math.max(0, Math.ceil((top - watermark) / 8)));
  for (let i = 0; i < top - watermark; i++) if (marked(watermark + i)) bytes[i >>> 3]! |= 1 << (i & 7);
  return bytes;
}

function restore(
  from: { readonly watermark: number; readonly doneAbove?: Uint8Array },
  ringBits: number,
  mark: (offset: number) => void,
): { watermark: number; position: number; top: number } {
  const { watermark, doneAbove = new Uint8Array(0) } = from;
  if (!Number.isSafeInteger(watermark) || watermark < 0) {
    throw new PostriderError('progress_unreadable', `watermark ${watermark} is no offset`);
  }
  if (doneAbove.length * 8 > ringBits) {
    throw new PostriderError(
      'progress_unreadable',
      `done_above has ${doneAbove.length} bytes; at most ${ringBits / 8}`,
    );
  }
  let top = watermark;
  doneAbove.forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit++) {
      if ((byte & (1 << bit)) === 0) continue;
      mark(watermark + index * 8 + bit);
      top = watermark + index * 8 + bit + 1;
    }
  });
  return { watermark, position: watermark, top };
}
