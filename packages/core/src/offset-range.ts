import { createBitRing } from './bit-ring.ts';
import type { BitRing } from './bit-ring.ts';
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
export const MARK_FACTOR = 8;

/**
 * An offset range that goes on from what a progress record says is done; without one, from offset 0.
 * @param sizeMax the bound of `size`
 * @throws PostriderError `progress_unreadable` when `from` cannot be a progress
 */
export function createOffsetRange(
  from: { readonly watermark: number; readonly doneAbove?: Uint8Array } = { watermark: 0 },
  sizeMax: number = limits.offsetRangeMax,
): OffsetRange {
  const state = restore(from, createBitRing(sizeMax * MARK_FACTOR));
  advance(state);
  const fits = (offset: number): boolean => offset - state.watermark < sizeMax || state.watermark === state.position;
  return {
    get watermark() {
      return state.watermark;
    },
    get position() {
      return state.position;
    },
    get size() {
      return state.position - state.watermark;
    },
    get open() {
      return state.position - state.watermark - state.doneBelow;
    },
    fits,
    take(offset) {
      if (offset < state.position) return;
      if (!fits(offset)) {
        const bound = `${sizeMax} or more above watermark ${state.watermark}`;
        throw new PostriderError('limit_reached', `offset ${offset} is ${bound}`);
      }
      skip(state, offset);
      if (state.position === offset) moveTo(state, offset + 1);
    },
    pass(offset) {
      skip(state, fits(offset) ? offset : Math.min(offset, state.watermark + sizeMax));
    },
    done(offset) {
      const above = offset - state.watermark;
      if (!Number.isSafeInteger(offset) || above < 0 || above >= state.marks.length) return false;
      if (state.marks.has(offset)) return false;
      setDone(state, offset);
      if (above === 0) advance(state);
      return true;
    },
    isDone: (offset) => offset < state.watermark || (offset < state.top && state.marks.has(offset)),
    encode: () => ({ watermark: state.watermark, doneAbove: toBytes(state) }),
  };
}

/**
 * What of a progress can hold for a topic that begins at `low` and ends at `end`. Nobody can have ended what was never
 * written: a watermark beyond the end tells of another log, or is forged, and everything that is there is read again; of
 * what is done above the watermark only what exists is.
 */
export function progressWithin(
  progress: OffsetProgress,
  { low, end }: { readonly low: number; readonly end: number },
): OffsetProgress {
  const { watermark, doneAbove } = progress;
  if (watermark > end) return { watermark: low, doneAbove: Buffer.alloc(0) };
  const bits = end - watermark;
  if (doneAbove.length * 8 <= bits) return progress;
  const kept = Buffer.from(doneAbove.subarray(0, Math.ceil(bits / 8)));
  const last = kept.length - 1;
  if (bits % 8 !== 0) kept.writeUInt8(kept.readUInt8(last) & ((1 << (bits % 8)) - 1), last);
  return { watermark, doneAbove: kept };
}

interface State {
  /** What is done from the watermark up. */
  readonly marks: BitRing;
  watermark: number;
  position: number;
  /** One past the highest mark; at most `watermark` when there is none. */
  top: number;
  /** Marks below `position`. */
  doneBelow: number;
}

/** Moves the watermark over what is done; `position` goes along. */
function advance(state: State): void {
  const { marks } = state;
  while (state.watermark < state.top && marks.has(state.watermark)) {
    marks.delete(state.watermark);
    if (state.watermark < state.position) state.doneBelow--;
    state.watermark++;
  }
  if (state.position < state.watermark) state.position = state.watermark;
}

function setDone(state: State, offset: number): void {
  state.marks.add(offset);
  if (offset < state.position) state.doneBelow++;
  if (offset >= state.top) state.top = offset + 1;
}

function moveTo(state: State, end: number): void {
  for (; state.position < end; state.position++) if (state.marks.has(state.position)) state.doneBelow++;
}

/** Offsets from `position` up to `end` do not exist. */
function skip(state: State, end: number): void {
  if (end <= state.position) return;
  const { marks } = state;
  if (state.watermark === state.position) {
    // Nothing is open: the gap may be of any length.
    for (let offset = state.watermark; offset < Math.min(state.top, end); offset++) marks.delete(offset);
    state.watermark = end;
    state.position = end;
  } else {
    for (let offset = state.position; offset < end; offset++) if (!marks.has(offset)) setDone(state, offset);
    moveTo(state, end);
  }
  advance(state);
}

function toBytes({ watermark, top, marks }: State): Buffer {
  const bytes = Buffer.alloc(Math.max(0, Math.ceil((top - watermark) / 8)));
  for (let i = 0; i < top - watermark; i++) {
    if (marks.has(watermark + i)) bytes[i >>> 3] = (bytes[i >>> 3] as number) | (1 << (i & 7));
  }
  return bytes;
}

function restore(from: { readonly watermark: number; readonly doneAbove?: Uint8Array }, marks: BitRing): State {
  const { watermark, doneAbove = new Uint8Array(0) } = from;
  if (!Number.isSafeInteger(watermark) || watermark < 0) {
    throw new PostriderError('progress_unreadable', `watermark ${watermark} is no offset`);
  }
  if (doneAbove.length * 8 > marks.length) {
    const most = `at most ${marks.length / 8}`;
    throw new PostriderError('progress_unreadable', `done_above has ${doneAbove.length} bytes; ${most}`);
  }
  const state: State = { marks, watermark, position: watermark, top: watermark, doneBelow: 0 };
  doneAbove.forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) setDone(state, watermark + index * 8 + bit);
  });
  return state;
}
