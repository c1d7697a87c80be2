import type { Socket } from 'node:net';

/** How bytes travel now. */
export interface Travel {
  /** Nothing arrives; what was sent arrives when this ends. */
  readonly stopped: boolean;
  readonly latencyMs: number;
  /** Infinity: as fast as it goes. */
  readonly bytesPerSecond: number;
}

interface Parcel {
  readonly bytes: Buffer;
  readonly dueAt: number;
}

/** Bytes under way beyond which the sender has to wait. */
const underWayBytesMax = 1024 * 1024;

/** One direction of a connection: what its source sends arrives at its target, when and if the travel of the moment lets it. */
export interface FaultLane {
  send(bytes: Buffer): void;
  /** The source has ended or is gone: the target hears of it after the last byte. */
  end(): void;
  /** The travel has changed. */
  changed(): void;
  close(): void;
}

/** A lane whose bytes travel as `travel` says when they are sent. */
export function createFaultLane(source: Socket, target: Socket, travel: () => Travel): FaultLane {
  const queue: Parcel[] = [];
  let queuedBytes = 0;
  let freeAt = 0;
  let ended = false;
  let timer: NodeJS.Timeout | undefined;

  const pump = () => {
    clearTimeout(timer);
    timer = undefined;
    if (travel().stopped) return;
    for (let head = queue[0]; head !== undefined; head = queue[0]) {
      const wait = head.dueAt - performance.now();
      if (wait > 0) {
        timer = setTimeout(pump, wait);
        return;
      }
      queue.shift();
      queuedBytes -= head.bytes.length;
      if (target.writable) target.write(head.bytes);
    }
    if (ended) target.end();
    else if (underWay() < underWayBytesMax) source.resume();
  };
  const underWay = () => queuedBytes + target.writableLength;
  target.on('drain', pump);
  return {
    send(bytes) {
      const { latencyMs, bytesPerSecond } = travel();
      const now = performance.now();
      freeAt = Math.max(now, freeAt) + (bytes.length / bytesPerSecond) * 1_000;
      queue.push({ bytes, dueAt: freeAt + latencyMs });
      queuedBytes += bytes.length;
      if (underWay() >= underWayBytesMax) source.pause();
      if (timer === undefined) pump();
    },
    end() {
      ended = true;
      if (timer === undefined) pump();
    },
    changed: pump,
    close() {
      clearTimeout(timer);
      queue.length = 0;
    },
  };
}
