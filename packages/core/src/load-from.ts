import { limits } from './limits.ts';

/**
 * From where a retry tier must be loaded, as one reign knows it: below that offset no record matters, so a takeover does not
 * read the day of retries that compaction leaves alone. It is not above
 *
 * - the record of any row that stands in the tier, nor
 * - an end of the tier that **counts**. An end is noted; then what this reign had written by then is acknowledged; then
 *   `limits.lateWriteMs` pass, in which whatever was on its way lands or never will; then the tier's end is asked for
 *   again, all below that is read, and what was written until then, answers above all, is acknowledged.
 *
 * So a record below an end that counts is overruled for good, if a newer one overrules it: what stands behind that newer
 * one and is older has been read and answered by one newer still. Each step in turn was left out in the model of the
 * protocol, and each let an ended delivery come back.
 */
export interface LoadFrom {
  /** No record below matters. It never falls. */
  readonly offset: number;
  /** A row stands at this offset: it is acknowledged, or loaded. */
  stands(offset: number): void;
  /** It is overruled: a newer record of its key is acknowledged, or read. */
  overruled(offset: number): void;
  /** A record is handed over. Its number goes to `settled` when it is acknowledged, or will never be written. */
  handedOver(): number;
  settled(write: number): void;
  /** Everything below `position` is read, and what had to be answered is handed over. The tier must be loaded. */
  read(position: number): void;
  /**
   * Called now and then: whether the tier's end should be asked for now (monotonic ms). Not while the end that counts is all
   * there is: nothing could rise.
   */
  wantsEnd(now: number): boolean;
  /** The tier's end, asked for at `askedAt` (monotonic ms); for the first time before anything is handed over. */
  endIs(end: number, askedAt: number): void;
}

interface NotedEnd {
  readonly end: number;
  /**
   * When all that was written before was found acknowledged (monotonic ms). The first end is noted before anything is
   * written; each later one confirms the one before it, which waits for just that.
   */
  settledAt: number | null;
}

/** An end that counts as soon as all below `readUntil` is read, and then all is acknowledged up to `writtenUntil`. */
interface Confirmation {
  readonly end: number;
  readonly readUntil: number;
  writtenUntil: number | null;
}

/** Rows are counted by stretches of so many offsets: what a takeover may read too much, for not a byte per row. */
const STRETCH_OFFSETS = 1_024;

/**
 * Begins where the adopted progress says.
 * @param adopted an offset below which no record mattered when this reign began
 */
export function createLoadFrom(adopted: number): LoadFrom {
  const standing = createOffsetCounts();
  /** Writes that are not acknowledged, the earliest first. */
  const open = new Set<number>();
  let written = 0;
  let offset = adopted;
  let noted: NotedEnd | null = null;
  let confirming: Confirmation | null = null;
  let counts = adopted;
  let position = 0;

  const isSettled = (write: number): boolean => {
    const { value: first, done } = open.values().next();
    return done === true || first > write;
  };

  function advance(): void {
    if (confirming === null || position < confirming.readUntil) return;
    confirming.writtenUntil ??= written;
    if (!isSettled(confirming.writtenUntil)) return;
    counts = confirming.end;
    confirming = null;
  }

  return {
    get offset() {
      offset = Math.max(offset, Math.min(counts, standing.lowest()));
      return offset;
    },
    stands: standing.add,
    overruled: standing.remove,
    handedOver() {
      written += 1;
      open.add(written);
      return written;
    },
    settled(write) {
      open.delete(write);
      advance();
    },
    read(at) {
      position = Math.max(position, at);
      advance();
    },
    wantsEnd(now) {
      if (confirming !== null || noted === null) return noted === null;
      noted.settledAt ??= now;
      if (noted.end <= counts && position <= noted.end) return false;
      return now - noted.settledAt >= limits.lateWriteMs;
    },
    endIs(end, askedAt) {
      if (noted !== null) {
        const { settledAt } = noted;
        if (confirming !== null || settledAt === null || askedAt - settledAt < limits.lateWriteMs) return;
        confirming = { end: noted.end, readUntil: end, writtenUntil: null };
      }
      noted = { end, settledAt: null };
      advance();
    },
  };
}

/** How many rows stand in each stretch of offsets. Adding and removing cost the same however many there are. */
function createOffsetCounts() {
  const counts = new Map<number, number>();
  /** No stretch below has rows. */
  let first = 0;
  return {
    add(offset: number): void {
      const stretch = Math.floor(offset / STRETCH_OFFSETS);
      if (counts.size === 0 || stretch < first) first = stretch;
      counts.set(stretch, (counts.get(stretch) ?? 0) + 1);
    },
    remove(offset: number): void {
      const stretch = Math.floor(offset / STRETCH_OFFSETS);
      const left = (counts.get(stretch) ?? 0) - 1;
      if (left > 0) counts.set(stretch, left);
      else counts.delete(stretch);
    },
    /** The first offset of the lowest stretch that has rows; infinite when none has. */
    lowest(): number {
      if (counts.size === 0) return Infinity;
      while (!counts.has(first)) first += 1;
      return first * STRETCH_OFFSETS;
    },
  };
}
