import { parseRevision } from '@postrider/core';
import { configKey } from './config-key.ts';
import { createConfigFold } from './fold.ts';
import { createSeldom, TROUBLE_EVERY_MS } from './seldom.ts';
import { orAborted, untilKafkaAnswers } from './until-kafka-answers.ts';
import { createWaiters } from './waiters.ts';
import type { Clock } from '@postrider/core';
import type { Batch, KafkaPort } from '@postrider/kafka';
import type { ConfigKind } from './config-key.ts';
import type { ConfigProblem } from './config-problem.ts';
import type { ConfigDraft } from './fold.ts';
import type { ConfigChange, ConfigSnapshot } from './snapshot.ts';

/** What the view tells a log; any of the services' loggers will do. */
export interface ConfigViewLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface ConfigViewOptions {
  readonly kafka: KafkaPort;
  /** Full name of the `config` topic. */
  readonly topic: string;
  readonly log: ConfigViewLog;
  readonly clock: Clock;
  /** Ends the wait for the first full reading. */
  readonly signal?: AbortSignal;
  /** Called for every record that did not take effect, for counters; it is logged already. */
  readonly onProblem?: (problem: ConfigProblem) => void;
}

export type ConfigListener = (changes: readonly ConfigChange[], snapshot: ConfigSnapshot) => void;

/** The `config` topic as a value that follows it. */
export interface ConfigView extends AsyncDisposable {
  /** The newest snapshot; the same object until something changes. */
  snapshot(): ConfigSnapshot;
  /** The newest state to try changes on, all of which it forgets. */
  draft(): ConfigDraft;
  /** The offset that reading goes on from, and the highest that it ever was: less after a loss of the topic's end. */
  position(): { readonly next: number; readonly highest: number };
  /** Whether the view has reached this revision. The empty text always is, a text that is no revision never. */
  reached(revision: string): boolean;
  /** True once the view has reached the revision; false after `timeoutMs` without it, or when the view is disposed of. */
  whenReached(revision: string, timeoutMs: number): Promise<boolean>;
  /** True once the record at this offset has been folded; false after `timeoutMs` without it, or on disposal. */
  whenOffset(offset: number, timeoutMs: number): Promise<boolean>;
  /** Whether a deletion of this entity, and nothing newer, is known. Of deletions long ago nothing may be known any more. */
  knowsDeleted(kind: ConfigKind, id: string): boolean;
  /** Calls `listener` after each run of records that changed something. Returns what ends that. */
  onChange(listener: ConfigListener): () => void;
}

/**
 * Reads the `config` topic from its beginning and follows it. Resolves when everything that stood there at the start is
 * folded; while no broker answers it waits and says so. Rejects with the signal's reason when that aborts first, and with
 * `UNKNOWN_TOPIC` when there is no such topic.
 */
export async function startConfigView(options: ConfigViewOptions): Promise<ConfigView> {
  const { kafka, topic, log, clock, signal } = options;
  const { view, onBatch, close } = createView(options);
  const waiting = { clock, log, what: 'the configuration', ...(signal === undefined ? {} : { signal }) };
  const seldom = createSeldom(clock, TROUBLE_EVERY_MS);
  const onTrouble = (error: Error): void =>
    seldom(() => log.warn({ topic, error }, 'the configuration cannot be read at the moment: waiting for Kafka'));
  const reader = await untilKafkaAnswers(waiting, () => kafka.reader({ topic, partitions: [0], onBatch, onTrouble }));
  const dispose = async (): Promise<void> => {
    close();
    await reader[Symbol.asyncDispose]();
  };
  try {
    await orAborted(reader.caughtUp, signal);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { ...view, [Symbol.asyncDispose]: dispose };
}

interface FedView {
  readonly view: Omit<ConfigView, keyof AsyncDisposable>;
  readonly onBatch: (batch: Batch) => void;
  readonly close: () => void;
}

/** The view without its reader. */
function createView({ topic, log, clock, onProblem }: ConfigViewOptions): FedView {
  const fold = createConfigFold();
  const listeners = new Set<ConfigListener>();
  const waiters = createWaiters(clock);
  let position = 0;
  let highest = 0;

  // As `revisionReached` of core says: an empty text asks for nothing, and what is no revision is never reached.
  const reached = (revision: string): boolean => {
    const parsed = parseRevision(revision);
    return revision === '' || (parsed !== null && fold.reached(parsed));
  };

  function tell(changes: readonly ConfigChange[]): void {
    const snapshot = fold.snapshot();
    for (const listener of listeners) {
      try {
        listener(changes, snapshot);
      } catch (error) {
        // One listener's fault must not keep the others, or the view itself, from what changed.
        log.error({ topic, error }, 'a listener for configuration changes failed');
      }
    }
  }

  return {
    view: {
      snapshot: () => fold.snapshot(),
      draft: () => fold.draft(),
      position: () => ({ next: position, highest }),
      reached,
      whenReached: (revision, timeoutMs) => waiters.wait(() => reached(revision), timeoutMs),
      whenOffset: (offset, timeoutMs) => waiters.wait(() => position > offset, timeoutMs),
      knowsDeleted: (kind, id) => fold.knowsDeleted(configKey(kind, id)),
      onChange(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    onBatch(batch) {
      const changes: ConfigChange[] = [];
      for (const record of batch.records) {
        const { change, problem } = fold.apply(record);
        if (change !== undefined && listeners.size > 0) changes.push(change);
        if (problem === undefined) continue;
        log.warn({ topic, ...problem }, 'a configuration record did not take effect');
        onProblem?.(problem);
      }
      position = batch.nextOffset;
      highest = Math.max(highest, position);
      if (changes.length > 0) tell(changes);
      waiters.check();
    },
    close() {
      listeners.clear();
      waiters.close();
    },
  };
}
