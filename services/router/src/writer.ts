import type { Clock } from '@postrider/core';
import type { KafkaError, OutgoingRecord, Producer } from '@postrider/kafka';
import { weigh, type Budget } from './budget.ts';

export interface WriterOptions {
  readonly producer: Producer;
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
  /** `tooLarge` builds the record to write instead when Kafka does not take this one for its size. */
  write(record: OutgoingRecord, tooLarge: () => OutgoingRecord, onAcknowledged: () => void): void;
  /** Tries nothing again. Resolves when the producer holds nothing more. */
  drain(): Promise<void>;
}

const refusedRetryMs = 1_000;

/** A writer over one producer. */
export function createWriter({ producer, writing, clock, onRefused, onAnswer }: WriterOptions): Writer {
  let inFlight = 0;
  let stopped = false;
  const drained = Promise.withResolvers<void>();

  /** `tooLarge` is null for a record that is the last resort already. Room is held until the record needs it no more. */
  function send(record: OutgoingRecord, tooLarge: (() => OutgoingRecord) | null, onAcknowledged: () => void): void {
    inFlight += 1;
    producer.enqueue(record, (error) => {
      inFlight -= 1;
      if (error === null) {
        writing.remove(1, weigh(record));
        onAcknowledged();
      } else failed(error, record, tooLarge, onAcknowledged);
      if (stopped && inFlight === 0) drained.resolve();
      onAnswer();
    });
  }

  function failed(
    error: KafkaError,
    record: OutgoingRecord,
    tooLarge: (() => OutgoingRecord) | null,
    onAcknowledged: () => void,
  ): void {
    // Closed while it was on its way: the offset stays open, and whoever reads it next writes it again.
    if (error.code === 'CLOSED' || stopped) return writing.remove(1, weigh(record));
    if (error.code === 'RECORD_TOO_LARGE' && tooLarge !== null) {
      const instead = tooLarge();
      writing.remove(1, weigh(record));
      writing.add(1, weigh(instead));
      return send(instead, null, onAcknowledged);
    }
    onRefused(error);
    // It keeps its room meanwhile, or everything that is read would gather here.
    clock.after(refusedRetryMs, () => {
      if (!stopped) send(record, tooLarge, onAcknowledged);
    });
  }

  return {
    write(record, tooLarge, onAcknowledged) {
      writing.add(1, weigh(record));
      send(record, tooLarge, onAcknowledged);
    },
    drain() {
      stopped = true;
      if (inFlight === 0) drained.resolve();
      return drained.promise;
    },
  };
}
