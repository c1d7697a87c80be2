import { KafkaError, type IncomingRecord, type OutgoingRecord, type Producer } from '@postrider/kafka';
import type { Clock } from '@postrider/core';
import { weigh, type Budget } from './budget.ts';

/** What becomes of one source record: records to write, in order. None: nobody wants it. */
export interface Routing {
  readonly count: number;
  /** The i-th record to write, built only when its turn comes: a wide fan-out is never all in memory. */
  record(i: number): OutgoingRecord;
  /** Where the event goes instead when a record is larger than Kafka takes. */
  tooLarge(): OutgoingRecord;
}

export interface FlowOptions {
  readonly producer: Producer;
  /** What is read and not routed yet. */
  readonly queued: Budget;
  /** What is handed to the producer and not acknowledged yet. Apart from the first, or a full queue could never empty. */
  readonly writing: Budget;
  readonly clock: Clock;
  /** Decides, with the configuration as it is then. Must not throw. */
  route(record: IncomingRecord): Routing;
  /** Kafka refuses a record that it ought to take; it is tried again. */
  onRefused(error: KafkaError): void;
}

/** Source records on their way: routed in the order they came, written with bounds, ended when all is acknowledged. */
export interface Flow {
  /** Takes a record; `end` is called once everything that follows from it is acknowledged, and never when that fails for good. */
  accept(record: IncomingRecord, end: () => void): void;
  /** Forgets what has not been routed yet and is of a partition that was lost. */
  drop(isLost: (record: IncomingRecord) => boolean): void;
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

const refusedRetryMs = 1_000;

/** A flow over one producer. Deliveries of one source partition are handed over in source order. */
export function createFlow(options: FlowOptions): Flow {
  const { producer, queued, writing, clock } = options;
  let queue: Entry[] = [];
  let head = 0;
  let inFlight = 0;
  let stopped = false;
  let working = false;
  const drained = Promise.withResolvers<void>();

  function settleDrain(): void {
    if (stopped && inFlight === 0) drained.resolve();
  }

  function write(entry: Entry, record: OutgoingRecord): void {
    const bytes = weigh(record);
    inFlight += 1;
    writing.add(1, bytes);
    producer.enqueue(record, (error) => {
      inFlight -= 1;
      writing.remove(1, bytes);
      if (error === null) acknowledged(entry);
      else failed(entry, record, error);
      settleDrain();
      work();
    });
  }

  function acknowledged(entry: Entry): void {
    entry.unacknowledged -= 1;
    if (entry.unacknowledged === 0) entry.end();
  }

  function failed(entry: Entry, record: OutgoingRecord, error: KafkaError): void {
    // Closed while it was on its way: the offset stays open, and whoever reads it next writes it again.
    if (error.code === 'CLOSED' || stopped) return;
    if (error.code === 'RECORD_TOO_LARGE') return write(entry, entry.routing?.tooLarge() ?? record);
    options.onRefused(error);
    clock.after(refusedRetryMs, () => {
      if (!stopped) write(entry, record);
    });
  }

  function begin(entry: Entry): Routing {
    const routing = options.route(entry.record);
    entry.routing = routing;
    entry.unacknowledged = routing.count;
    if (routing.count === 0) entry.end();
    return routing;
  }

  function work(): void {
    // `end` and the budgets may call back into here; one loop is enough.
    if (working) return;
    working = true;
    while (!stopped && head < queue.length && !writing.full) {
      const entry = queue[head] as Entry;
      const routing = entry.routing ?? begin(entry);
      while (entry.next < routing.count && !writing.full) write(entry, routing.record(entry.next++));
      if (entry.next < routing.count) break;
      head += 1;
      queued.remove(1, entry.bytes);
    }
    if (head > 1_024) {
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
    drop(isLost) {
      const kept = queue.slice(head).filter((entry) => {
        const keep = entry.routing !== null || !isLost(entry.record);
        if (!keep) queued.remove(1, entry.bytes);
        return keep;
      });
      queue = kept;
      head = 0;
    },
    drain() {
      stopped = true;
      settleDrain();
      return drained.promise;
    },
  };
}
