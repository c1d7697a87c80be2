import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { code, ProtocolError } from './protocol-error.ts';
import { sendFrame } from './send-frame.ts';
import type { Broker } from './internals.ts';

/** https://kafka.apache.org/protocol#The_Messages_Metadata, version 12: the versions that kafkajs knows tell no topic ids. */
const API_KEY = 3;
const API_VERSION = 12;
const TIMEOUT_MS = 10_000;
const ID_BYTES = 16;
const NO_ID = Buffer.alloc(ID_BYTES);

/**
 * The id that each of these topics got when it was created, as hex; one that does not exist has none, nor has one that an
 * old cluster has not given any. Empty when the broker is too old to tell.
 * @throws ProtocolError when the broker cannot say now
 */
export async function topicIds(broker: Broker, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if ((broker.versions?.[API_KEY]?.maxVersion ?? 0) < API_VERSION) return new Map();
  const payload = await sendFrame(broker, {
    apiKey: API_KEY,
    apiVersion: API_VERSION,
    apiName: 'Metadata',
    connection: 0,
    timeoutMs: TIMEOUT_MS,
    encode: (correlationId, clientId) => encodeRequest(names, correlationId, clientId),
  });
  return decodeAnswer(new ByteReader(payload ?? Buffer.alloc(0)));
}

function encodeRequest(names: readonly string[], correlationId: number, clientId: string): Buffer {
  const writer = new ByteWriter(64 + 3 * clientId.length + names.reduce((sum, name) => sum + 32 + 3 * name.length, 0));
  writer.int32(0);
  writer.int16(API_KEY);
  writer.int16(API_VERSION);
  writer.int32(correlationId);
  writer.string(clientId);
  writer.unsignedVarint(0);
  writer.unsignedVarint(names.length + 1);
  for (const name of names) {
    const bytes = Buffer.from(name);
    writer.bytes(NO_ID);
    writer.unsignedVarint(bytes.length + 1);
    writer.bytes(bytes);
    writer.unsignedVarint(0);
  }
  // Neither to be created nor with what one may do to them.
  writer.int8(0);
  writer.int8(0);
  writer.unsignedVarint(0);
  writer.buffer.writeInt32BE(writer.offset - 4, 0);
  return writer.buffer.subarray(0, writer.offset);
}

function decodeAnswer(reader: ByteReader): Map<string, string> {
  skipTags(reader);
  reader.int32();
  each(reader, () => {
    reader.int32();
    compactString(reader);
    reader.int32();
    compactString(reader);
    skipTags(reader);
  });
  compactString(reader);
  reader.int32();
  const ids = new Map<string, string>();
  each(reader, () => {
    const errorCode = reader.int16();
    const name = compactString(reader);
    const id = reader.bytes(ID_BYTES);
    reader.int8();
    each(reader, () => skipPartition(reader));
    reader.int32();
    skipTags(reader);
    if (errorCode === code.unknownTopicOrPartition) return;
    // Leaderless partitions make the topic's own code an error; its id is known all the same.
    if (!id.equals(NO_ID)) ids.set(name, id.toString('hex'));
    // Without an error it has none: while a cluster is upgraded, its brokers know of ids before its topics get them.
    else if (errorCode !== 0) throw new ProtocolError(`asking for the id of ${name}`, errorCode);
  });
  return ids;
}

function skipPartition(reader: ByteReader): void {
  reader.int16();
  reader.bytes(12);
  // Replicas, those in sync, those that are away.
  for (let lists = 0; lists < 3; lists += 1) each(reader, () => reader.int32());
  skipTags(reader);
}

function each(reader: ByteReader, read: () => void): void {
  for (let count = reader.unsignedVarint() - 1; count > 0; count -= 1) read();
}

function compactString(reader: ByteReader): string {
  return reader.bytes(Math.max(0, reader.unsignedVarint() - 1)).toString();
}

function skipTags(reader: ByteReader): void {
  for (let count = reader.unsignedVarint(); count > 0; count -= 1) {
    reader.unsignedVarint();
    reader.bytes(reader.unsignedVarint());
  }
}
