/** Any method of the API with any bytes, over a real gRPC client that knows nothing of messages. */
import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary, fromJson, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { credentials, makeClientConstructor, Metadata } from '@grpc/grpc-js';
import { methodRules } from '@postrider/contract/postrider/v1/methods';
import { requestTypes } from '@postrider/contract/postrider/v1/request-shapes';
import type { Readable } from 'node:stream';
import type { DescMessage, DescMethod, JsonValue } from '@bufbuild/protobuf';
import type { ClientOptions, ServiceError } from '@grpc/grpc-js';
import type { MethodName } from '@postrider/core';

const descriptors = readFileSync(new URL(import.meta.resolve('@postrider/contract/descriptors.binpb')));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
const NoService = makeClientConstructor({}, 'postrider.v1');

export function pathOf(method: MethodName): string {
  return `/${methodRules[method].service}/${method}`;
}

/** The descriptor of a method's request. */
export function requestOf(method: MethodName): DescMessage {
  const message = registry.getMessage(requestTypes[pathOf(method)] ?? '');
  if (message === undefined) throw new Error(`${method} has no request`);
  return message;
}

/** The bytes of a method's request, from its JSON form. */
export function encode(method: MethodName, request: JsonValue): Buffer {
  return Buffer.from(toBinary(requestOf(method), fromJson(requestOf(method), request)));
}

/** How many messages each side sends. */
function kindOf(method: MethodName): DescMethod['methodKind'] {
  const all = registry.getService(methodRules[method].service)?.methods ?? [];
  return all.find(({ name }) => name === method)?.methodKind ?? 'unary';
}

export interface RawClient extends Disposable {
  /** Sends one message. Resolves with the bytes of all that is answered; rejects with the status. */
  call(method: MethodName, request: Buffer, metadata?: Metadata): Promise<Buffer>;
}

/** A client with one connection of its own. `key`: of the `authorization` metadata; null: none. */
export function openRaw(port: number, key: string | null, options: ClientOptions = {}): RawClient {
  const client = new NoService(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    ...options,
  });
  const own = new Metadata();
  if (key !== null) own.set('authorization', `Bearer ${key}`);
  const bytes = (value: Buffer): Buffer => value;
  return {
    call(method, request, metadata = own) {
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      const path = pathOf(method);
      const answered = (error: ServiceError | null, answer?: Buffer): void =>
        error === null ? resolve(answer ?? Buffer.alloc(0)) : reject(error);
      const gather = (answers: Readable): void => {
        const parts: Buffer[] = [];
        answers.on('data', (part: Buffer) => parts.push(part));
        answers.on('error', reject);
        answers.on('end', () => resolve(Buffer.concat(parts)));
      };
      const kind = kindOf(method);
      if (kind === 'unary') client.makeUnaryRequest(path, bytes, bytes, request, metadata, answered);
      else if (kind === 'server_streaming')
        gather(client.makeServerStreamRequest(path, bytes, bytes, request, metadata));
      else if (kind === 'client_streaming')
        client.makeClientStreamRequest(path, bytes, bytes, metadata, answered).end(request);
      else {
        const call = client.makeBidiStreamRequest(path, bytes, bytes, metadata);
        gather(call);
        call.end(request);
      }
      return promise;
    },
    [Symbol.dispose]: () => client.close(),
  };
}
