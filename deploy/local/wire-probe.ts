import { connect } from 'node:net';

/** What a broker says of its cluster. */
export interface ClusterAnswer {
  readonly brokerIds: readonly number[];
  /** -1 while no controller is known. */
  readonly controllerId: number;
}

const apiVersions = { key: 18, version: 0 };
const metadata = { key: 3, version: 1 };

/**
 * Asks a broker ApiVersions v0 and Metadata v1 (no topics) on a connection of its own; the answer proves that it serves
 * clients, which a log line does not. Undefined when it does not answer properly within `timeoutMs`.
 * Layouts: Kafka protocol guide, request header v1, the two named versions.
 */
export function probe(host: string, port: number, timeoutMs: number): Promise<ClusterAnswer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let received: Buffer = Buffer.alloc(0);
    const finish = (answer?: ClusterAnswer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => finish());
    socket.on('error', () => finish());
    socket.on('close', () => finish());
    socket.on('connect', () =>
      socket.write(Buffer.concat([request(apiVersions, 1), request(metadata, 2, [0, 0, 0, 0])])),
    );
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const frames = splitFrames(received);
      if (frames.length < 2) return;
      finish(readAnswer(frames[0] as Buffer, frames[1] as Buffer));
    });
  });
}

function request(api: { key: number; version: number }, correlationId: number, body: readonly number[] = []): Buffer {
  const clientId = Buffer.from('postrider-probe');
  const size = 10 + clientId.length + body.length;
  const out = Buffer.alloc(4 + size);
  out.writeInt32BE(size, 0);
  out.writeInt16BE(api.key, 4);
  out.writeInt16BE(api.version, 6);
  out.writeInt32BE(correlationId, 8);
  out.writeInt16BE(clientId.length, 12);
  clientId.copy(out, 14);
  Buffer.from(body).copy(out, 14 + clientId.length);
  return out;
}

/** The complete length-prefixed frames at the start of `bytes`, without their prefixes. */
export function splitFrames(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let at = 0;
  while (bytes.length >= at + 4) {
    const end = at + 4 + bytes.readInt32BE(at);
    if (bytes.length < end) break;
    frames.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return frames;
}

/** Reads the two answers; undefined when either reports an error or is cut short. */
export function readAnswer(versions: Buffer, cluster: Buffer): ClusterAnswer | undefined {
  try {
    if (versions.readInt32BE(0) !== 1 || versions.readInt16BE(4) !== 0) return undefined;
    if (cluster.readInt32BE(0) !== 2) return undefined;
    let at = 8;
    const skipString = () => {
      const length = cluster.readInt16BE(at);
      at += 2 + Math.max(length, 0);
    };
    const brokerIds: number[] = [];
    for (let left = cluster.readInt32BE(4); left > 0; left--) {
      brokerIds.push(cluster.readInt32BE(at));
      at += 4;
      skipString(); // host
      at += 4; // port
      skipString(); // rack
    }
    return { brokerIds, controllerId: cluster.readInt32BE(at) };
  } catch {
    return undefined;
  }
}
