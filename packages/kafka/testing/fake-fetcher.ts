import type { FakeCluster } from './fake-cluster.ts';
import type { FakeProcess } from './fake-process.ts';
import type { Batch } from '../src/port.ts';

/** Reads one partition from a position on, as long as it is active. */
export interface FakeFetcher {
  readonly position: number;
  /** Goes on from `offset`, which makes what is under way stale. */
  start(offset: number): void;
  stop(): void;
}

const BATCH_RECORDS_MAX = 500;

/** A fetcher that stands still. `onOutOfRange` must start it anew. */
export function createFakeFetcher(options: {
  readonly cluster: FakeCluster;
  readonly process: FakeProcess;
  readonly topic: string;
  readonly partition: number;
  onBatch(batch: Batch): void;
  onOutOfRange(offset: number): void;
}): FakeFetcher {
  const { cluster, process, topic, partition } = options;
  const log = cluster.log(topic, partition);
  let position = 0;
  /** Counts starts and stops: what was asked before the last one is stale. */
  let turn = 0;
  let active = false;
  let asked = false;

  function ask(): void {
    // Nothing to be read yet: the log tells of what comes. A question now would be answered as of then to who stood still.
    if (!active || asked || log.high === position) return;
    asked = true;
    const askedIn = turn;
    const answered = () =>
      process.run(() => {
        asked = false;
        if (!active || askedIn !== turn) return ask();
        if (!process.cutOff && cluster.isUp(cluster.leader(topic, partition))) answer();
      });
    const delayMs = cluster.latency('fetch', process.clientId, topic);
    if (delayMs > 0) cluster.clock.after(delayMs, answered);
    else queueMicrotask(answered);
  }

  function answer(): void {
    const read = log.read(position, BATCH_RECORDS_MAX);
    if (read === undefined) {
      stop();
      return options.onOutOfRange(position);
    }
    if (read.nextOffset === position) return;
    position = read.nextOffset;
    process.io(() => options.onBatch({ topic, partition, ...read, highWatermark: log.high }));
    ask();
  }

  let unwatch: (() => void)[] = [];
  function stop(): void {
    turn += 1;
    active = false;
    for (const end of unwatch.splice(0)) end();
  }

  return {
    get position() {
      return position;
    },
    start(offset) {
      turn += 1;
      position = offset;
      if (!active) unwatch = [log.watch(ask), cluster.watch(ask), process.watch(ask)];
      active = true;
      ask();
    },
    stop,
  };
}
