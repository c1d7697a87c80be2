/** One length-prefixed frame of the Kafka protocol, prefix included. */
export type KafkaFrame = Buffer;

/** An answer of a broker, with what its request said of itself. */
export interface KafkaAnswer {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Connections are numbered from 1 in the order in which they were opened. */
  readonly connection: number;
  /** The whole frame: 4 bytes of length, 4 of correlation id, then the body. */
  readonly frame: KafkaFrame;
}

/** Kafka's numbers of the requests that tests look at. */
export const apiKey = Object.freeze({ produce: 0, fetch: 1, offsetCommit: 8, heartbeat: 12 });

/** Cuts a stream of bytes into frames; gives each as soon as it is complete. */
export function createFrameSplitter(onFrame: (frame: KafkaFrame) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let held = 0;
  return (chunk) => {
    chunks.push(chunk);
    held += chunk.length;
    for (;;) {
      if (held < 4) return;
      if ((chunks[0] as Buffer).length < 4) chunks = [Buffer.concat(chunks)];
      const size = 4 + (chunks[0] as Buffer).readInt32BE(0);
      if (held < size) return;
      const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      onFrame(bytes.subarray(0, size));
      chunks = [bytes.subarray(size)];
      held -= size;
    }
  };
}

/** What a request says of itself. */
export function readRequestHeader(frame: KafkaFrame): {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
} {
  return {
    apiKey: frame.readInt16BE(4),
    apiVersion: frame.readInt16BE(6),
    correlationId: frame.readInt32BE(8),
  };
}

/** Which request an answer belongs to. */
export function readCorrelationId(frame: KafkaFrame): number {
  return frame.readInt32BE(4);
}

/** A Heartbeat answer (versions 0 to 3) that says this error instead. */
export function withHeartbeatError({ apiVersion, frame }: KafkaAnswer, error: number): KafkaFrame {
  const changed = Buffer.from(frame);
  // From version 1 on the time for which the client is throttled stands first.
  changed.writeInt16BE(error, apiVersion === 0 ? 8 : 12);
  return changed;
}

/** An OffsetCommit answer (versions 0 to 7) that says this error of every partition. */
export function withCommitError({ apiVersion, frame }: KafkaAnswer, error: number): KafkaFrame {
  const changed = Buffer.from(frame);
  let at = apiVersion < 3 ? 8 : 12;
  const next = () => {
    at += 4;
    return changed.readInt32BE(at - 4);
  };
  for (let topics = next(); topics > 0; topics--) {
    at += 2 + changed.readInt16BE(at);
    for (let partitions = next(); partitions > 0; partitions--) {
      at += 4;
      changed.writeInt16BE(error, at);
      at += 2;
    }
  }
  return changed;
}
