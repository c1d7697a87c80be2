import type { Clock } from '@postrider/core';
import type { KafkaError, OutgoingRecord, Producer } from '@postrider/kafka';
import { weigh, type Budget } from './budget.ts';

export interface WriterOptions {
  readonly producer: Pick<Producer, 'enqueue'>;
  /** What is handed to the producer, or waits to be handed to it again, and is not acknowledged yet. */
  readonly writing: Budget;
  readonly clock: Clock;
  /** Kafka refuses a record that it ought to take; it is tried again. */
  onRefused(error: KafkaError): void;
  /** Called after each answer: there may be room for more. */
  onAnswer(): void;
}

/** Writes records until each is acknowledged. */
export interface Writer {
  /** The producer is closed: what is written now is never acknowledged. */
  readonly isClosed: boolean;
  write(write: Write): void;
  /** Tries nothing again. Resolves when the producer holds nothing more. */
  drain(): Promise<void>;
}

/** A record to be written. */
export interface Write {
  readonly record: OutgoingRecord;
  /** Builds the record to write instead when Kafka does not take this one for its size; null: this is the last resort. */
  readonly tooLarge: (() => OutgoingRecord) | null;
  readonly onAcknowledged: () => void;
  /** Written after all earlier ones of this order, also when one of them is refused for a while; null: in no order. */
  readonly order: string | null;
}

/** The writes of one order that are not acknowledged. */
interface Order {
  /** How many of them the producer holds. */
  inProducer: number;
  /** How many there have been. */
  count: number;
  /** Once one was refused: all that the producer does not hold. They are written again when it holds none of the order. */
  waiting: Numbered[] | null;
  /** The pause after the refusal is over. */
  due: boolean;
}

interface Numbered {
  readonly write: Write;
  /** Its place within its order. */
  readonly number: number;
}

const refusedRetryMs = 1_000;

/** A writer over one producer. */
export function createWriter(options: WriterOptions): Writer {
  return new OneWriter(options);
}

class OneWriter implements Writer {
  isClosed = false;
  readonly #o: WriterOptions;
  readonly #orders = new Map<string, Order>();
  readonly #drained = Promise.withResolvers<void>();
  #inFlight = 0;
  #stopped = false;

  constructor(options: WriterOptions) {
    this.#o = options;
  }

  write(write: Write): void {
    this.#o.writing.add(1, weigh(write.record));
    if (write.order === null) return this.#send({ write, number: 0 }, null);
    let order = this.#orders.get(write.order);
    if (order === undefined) {
      order = { inProducer: 0, count: 0, waiting: null, due: false };
      this.#orders.set(write.order, order);
    }
    const numbered = { write, number: order.count++ };
    if (order.waiting === null) this.#send(numbered, order);
    else order.waiting.push(numbered);
  }

  drain(): Promise<void> {
    this.#stopped = true;
    if (this.#inFlight === 0) this.#drained.resolve();
    return this.#drained.promise;
  }

  /** Room is held until the record needs it no more. */
  #send(numbered: Numbered, order: Order | null): void {
    const { producer, writing, onAnswer } = this.#o;
    const { record, onAcknowledged } = numbered.write;
    this.#inFlight += 1;
    if (order !== null) order.inProducer += 1;
    // What the producer has taken in already must not overtake what was refused.
    const guarded = order === null ? record : { ...record, mayWrite: () => order.waiting === null };
    producer.enqueue(guarded, (error) => {
      this.#inFlight -= 1;
      if (order !== null) order.inProducer -= 1;
      if (error === null) {
        writing.remove(1, weigh(record));
        onAcknowledged();
      } else this.#failed(error, numbered, order);
      if (order !== null) this.#answered(numbered.write.order as string, order);
      if (this.#stopped && this.#inFlight === 0) this.#drained.resolve();
      onAnswer();
    });
  }

  #failed(error: KafkaError, numbered: Numbered, order: Order | null): void {
    const { writing, clock, onRefused } = this.#o;
    const { record, tooLarge, onAcknowledged } = numbered.write;
    // Closed while it was on its way: the offset stays open, and whoever reads it next writes it again.
    this.isClosed ||= error.code === 'CLOSED';
    if (this.isClosed || this.#stopped) return writing.remove(1, weigh(record));
    if (error.code === 'RECORD_TOO_LARGE' && tooLarge !== null) {
      const instead = tooLarge();
      writing.remove(1, weigh(record));
      return this.write({ record: instead, tooLarge: null, onAcknowledged, order: null });
    }
    // They keep their room meanwhile, or everything that is read would gather here.
    if (order?.waiting) return void order.waiting.push(numbered);
    onRefused(error);
    if (order !== null) order.waiting = [numbered];
    clock.after(refusedRetryMs, () => {
      if (order === null) return this.#again(numbered, null);
      order.due = true;
      this.#answered(numbered.write.order as string, order);
    });
  }

  #again(numbered: Numbered, order: Order | null): void {
    if (!this.#stopped) this.#send(numbered, order);
  }

  /** The producer holds one less of the order, or its pause is over. */
  #answered(name: string, order: Order): void {
    if (order.inProducer > 0) return;
    const { waiting } = order;
    if (waiting === null) return void this.#orders.delete(name);
    if (!order.due) return;
    order.waiting = null;
    order.due = false;
    for (const numbered of waiting.toSorted((a, b) => a.number - b.number)) this.#again(numbered, order);
  }
}
