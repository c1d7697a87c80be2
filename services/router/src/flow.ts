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
  /** Starts nothing more. Resolves when everything that was handed to the producer is acknowledged. */
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

/** A flow over one producer. Deliveries of one source partition are handed over in source order. */
export function createFlow(options: FlowOptions): Flow {
  const { queued, writing, route } = options;
  const writer = createWriter({ ...options, onAnswer: work });
  let queue: Entry[] = [];
  let head = 0;
  let stopped = false;
  let working = false;

  function begin(entry: Entry): Routing {
    const routing = route(entry.record);
    entry.routing = routing;
    entry.unacknowledged = routing.count;
    if (routing.count === 0) entry.end();
    return routing;
  }

  /** Writes what it may of the entry; whether that is all. */
  function advance(entry: Entry): boolean {
    const routing = entry.routing ?? begin(entry);
    while (entry.next < routing.count && !writing.full) writeNext(writer, entry, routing);
    return entry.next === routing.count;
  }

  function work(): void {
    // `end` and the budgets may call back into here; one loop is enough.
    if (working) return;
    working = true;
    for (let entry = queue[head]; !stopped && entry !== undefined && !writing.full; entry = queue[head]) {
      if (!advance(entry)) break;
      head += 1;
      queued.remove(1, entry.bytes);
    }
    if (head > compactAt) {
      queue = queue.slice(head);
      head = 0;
    }
    working = false;
  }

  return {
    accept(record, end) {
      const bytes = weigh(record);
      queued.add(1, bytes);
      queue.push({ record, bytes, end, routing: null, next: 0, unacknowledged: 0 });
      work();
    },
    dropUnrouted() {
      const rest = queue.slice(head);
      queue = rest.filter((entry) => entry.routing !== null);
      head = 0;
      for (const entry of rest) if (entry.routing === null) queued.remove(1, entry.bytes);
    },
    drain() {
      stopped = true;
      return writer.drain();
    },
  };
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
