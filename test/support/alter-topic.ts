import { once } from 'node:events';
import { connect } from 'node:net';
import { createFrameSplitter } from './kafka-frames.ts';

/** IncrementalAlterConfigs, version 0. */
const apiKey = 44;
const resourceTopic = 2;
const operationSet = 0;

/** Changes one setting of topics as an administrator would; `broker` is `host:port`. Rejects when the broker refuses. */
export async function alterTopics(
  broker: string,
  topics: readonly string[],
  [name, value]: readonly [string, string],
): Promise<void> {
  const [host, port] = broker.split(':') as [string, string];
  const socket = connect(Number(port), host);
  await once(socket, 'connect');
  try {
    const answer = new Promise<Buffer>((resolve, reject) => {
      socket.on('data', createFrameSplitter(resolve)).once('error', reject);
      socket.once('close', () => reject(new Error('the broker closed the connection')));
    });
    socket.write(request(topics, name, value));
    const errors = readErrors(await answer);
    if (errors.length > 0) throw new Error(`${name}=${value}: ${errors.join(', ')}`);
  } finally {
    socket.destroy();
  }
}

const int8 = (value: number) => Buffer.from([value]);
const int16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const int32 = (value: number) => Buffer.from([value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff]);
const string = (text: string) => Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)]);

function request(topics: readonly string[], name: string, value: string): Buffer {
  const resources = topics.map((topic) =>
    Buffer.concat([
      ...[int8(resourceTopic), string(topic), int32(1)],
      ...[string(name), int8(operationSet), string(value)],
    ]),
  );
  const onlyValidate = int8(0);
  const body = Buffer.concat([
    ...[int16(apiKey), int16(0), int32(1), string('test')],
    ...[int32(topics.length), ...resources, onlyValidate],
  ]);
  return Buffer.concat([int32(body.length), body]);
}

/** One sentence per topic that the broker refused. */
function readErrors(frame: Buffer): string[] {
  // Length, correlation id, throttle time.
  let at = 12;
  const errors: string[] = [];
  const text = () => {
    const length = Math.max(0, frame.readInt16BE(at));
    at += 2 + length;
    return frame.toString('utf8', at - length, at);
  };
  const count = frame.readInt32BE(at);
  at += 4;
  for (let index = 0; index < count; index++) {
    const code = frame.readInt16BE(at);
    at += 2;
    const message = text();
    at += 1;
    const topic = text();
    if (code !== 0) errors.push(`${topic}: error ${code} ${message}`);
  }
  return errors;
}
