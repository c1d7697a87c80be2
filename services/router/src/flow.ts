import { createStretch, limits, type Stretch } from '@postrider/core';
import type { IncomingRecord, OutgoingRecord } from '@postrider/kafka';
import { weigh, type Budget } from './budget.ts';
import { createWriter, type Writer, type WriterOptions } from './writer.ts';

/** What becomes of one source record: records to write, in order. None: nobody wants it. */
export interface Routing {
  readonly count: number;
  /** The i-th record to write, built only when its turn comes: a wide fan-out is never all in memory. */
  record(i: number): OutgoingRecord;
  /** The order that the i-th record is written in, whatever is refused meanwhile; null: none. */
  orderOf(i: number): string | null;
  /** Where the event goes instead when a record is larger than Kafka takes. */
  tooLarge(): OutgoingRecord;
}

export interface FlowOptions extends Omit<WriterOptions, 'onAnswer'> {
  /** What is read and not routed yet. Apart from `writing`, or a full queue could never empty. */
  readonly queued: Budget;
  /** Decides, with the configuration as it is then. Must not throw. */
  route(record: IncomingRecord): Routing;
}

/** Source records on their way: routed in the order they came, written with bounds, ended when all is acknowledged. */
export interface Flow {
  /** Takes a record; `end` is called once everything that follows from it is acknowledged, and never when that fails for good. */
  accept(record: IncomingRecord, end: () => void): void;
  /** Forgets what has not been routed yet: its partitions have been assigned anew. */
  dropUnrouted(): void;
  /** Begins nothing more. Resolves when all of what is begun is written, and each write is acknowledged, or refused once more. */
  drain(): Promise<void>;
}

interface Entry {
  readonly record: IncomingRecord;
  readonly bytes: number;
  readonly end: () => void;
  routing: Routing | null;
  next: number;
  unacknowledged: number;
}

const compactAt = 1_024;
/** Events for no more endpoints are written as they are read: whoever reads takes turns with all else. */
const narrowMax = 16;

/**
 * A flow over one producer. Deliveries of one source partition are handed over in source order. What is wide, and what has gathered,
 * is written a stretch at a time: the first of a wide event are with Kafka while the rest are still being made.
 */
export function createFlow(options: FlowOptions): Flow {
  return new OneFlow(options);
}

class OneFlow implements Flow {
  readonly #o: FlowOptions;
  readonly #writer: Writer;
  readonly #stretch: Stretch;
  readonly #begunWritten = Promise.withResolvers<void>();
  #queue: Entry[] = [];
  #head = 0;
  #stopped = false;
  #working = false;

  constructor(options: FlowOptions) {
    this.#o = options;
    this.#writer = createWriter({ ...options, onAnswer: () => this.#work() });
    this.#stretch = createStretch(options.clock, () => this.#work(), limits.routerWritesTogetherMax);
  }

  accept(record: IncomingRecord, end: () => void): void {
    const bytes = weigh(record);
    this.#o.queued.add(1, bytes);
    const isFirst = this.#head === this.#queue.length;
    this.#queue.push({ record, bytes, end, routing: null, next: 0, unacknowledged: 0 });
    this.#work(isFirst);
  }

  dropUnrouted(): void {
    const rest = this.#queue.slice(this.#head);
    this.#queue = rest.filter((entry) => entry.routing !== null);
    this.#head = 0;
    for (const entry of rest) if (entry.routing === null) this.#o.queued.remove(1, entry.bytes);
  }

  async drain(): Promise<void> {
    this.#stopped = true;
    this.#work();
    await this.#begunWritten.promise;
    await this.#writer.drain();
  }

  /** @param isRead it is called for what was read just now, and nothing has gathered */
  #work(isRead = false): void {
    // `end` and the budgets may call back into here; one loop is enough.
    if (this.#working || this.#stretch.isOver) return;
    this.#working = true;
    this.#stretch.begin(this.#o.clock.monotonic());
    for (let entry = this.#next(); entry !== undefined && this.#advance(entry, isRead); entry = this.#next()) {
      this.#head += 1;
      this.#o.queued.remove(1, entry.bytes);
    }
    this.#stretch.end(this.#o.clock.monotonic());
    if (this.#head > compactAt) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    this.#working = false;
    if (this.#stopped && this.#next() === undefined) this.#begunWritten.resolve();
  }

  /** What is written next. After a stop only what is begun: cut off, the next router would write all of it again. */
  #next(): Entry | undefined {
    const entry = this.#queue[this.#head];
    return this.#stopped && entry?.routing === null ? undefined : entry;
  }

  /** Writes what it may of the entry; whether that is all. */
  #advance(entry: Entry, isRead: boolean): boolean {
    if (this.#isHeld) return false;
    const routing = entry.routing ?? begin(entry, this.#o.route(entry.record));
    const counts = !isRead || routing.count > narrowMax;
    // Nobody wants it, which took its time as well.
    if (counts && routing.count === 0) this.#stretch.taken();
    while (entry.next < routing.count && !this.#isHeld) {
      writeNext(this.#writer, entry, routing);
      if (counts) this.#stretch.taken();
    }
    return entry.next === routing.count;
  }

  get #isHeld(): boolean {
    return this.#o.writing.full || this.#stretch.isOver || this.#writer.isClosed;
  }
}

function begin(entry: Entry, routing: Routing): Routing {
  entry.routing = routing;
  entry.unacknowledged = routing.count;
  if (routing.count === 0) entry.end();
  return routing;
}

function writeNext(writer: Writer, entry: Entry, routing: Routing): void {
  const i = entry.next++;
  writer.write({
    record: routing.record(i),
    tooLarge: routing.tooLarge,
    order: routing.orderOf(i),
    onAcknowledged() {
      entry.unacknowledged -= 1;
      if (entry.unacknowledged === 0) entry.end();
    },
  });
}
