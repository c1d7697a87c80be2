import { randomBytes } from 'node:crypto';
import { credentials, makeClientConstructor, Metadata, status } from '@grpc/grpc-js';
import { OwnerServiceService } from '@postrider/contract/postrider/v1/owner_service';
import { createCallProver, PostriderError, PROOF_METADATA, type Clock, type SealingKey } from '@postrider/core';
import { serverLimits } from './server-limits.ts';
import type { Client, MethodDefinition, ServiceError } from '@grpc/grpc-js';

type Methods = typeof OwnerServiceService;
type RequestOf<M extends keyof Methods> = Parameters<Methods[M]['requestSerialize']>[0];
type ResponseOf<M extends keyof Methods> = ReturnType<Methods[M]['responseDeserialize']>;

/** A dispatcher, and where it can be asked. */
export interface Askable {
  readonly processId: string;
  /** `host:port`. */
  readonly address: string;
}

/**
 * Asks dispatchers.
 * @throws PostriderError what the dispatcher says is wrong with the question; `unavailable` with the reason when it cannot be asked
 */
export type AskDispatcher = <M extends keyof Methods>(
  dispatcher: Askable,
  method: M,
  request: RequestOf<M>,
) => Promise<ResponseOf<M>>;

const NoService = makeClientConstructor({}, 'postrider.v1.OwnerService');

/**
 * Asks over gRPC, each time over a connection of its own: questions are rare, and dispatchers come and go. A proxy for what
 * leaves the cluster (`http_proxy`) is not asked the way to them.
 */
export function createAskDispatcher(shared: readonly SealingKey[], clock: Clock): AskDispatcher {
  const prover = createCallProver(shared);
  return async (dispatcher, name, request) => {
    const { processId, address } = dispatcher;
    if (address === '') {
      throw new PostriderError('unavailable', `${processId} cannot be asked: it tells no address to ask it at`);
    }
    const method = OwnerServiceService[name] as unknown as MethodDefinition<unknown, unknown>;
    const bytes = method.requestSerialize(request);
    const time = Math.round(clock.now());
    const proof = prover.prove({ method: method.path, processId, request: bytes, time, nonce: randomBytes(12) });
    const metadata = new Metadata();
    metadata.set(PROOF_METADATA, proof);
    const client: Client = new NoService(address, credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
    try {
      const told = await call(client, method, bytes, metadata);
      const isProved = prover.isAnswer(told.proof, proof, told.error ?? told.bytes);
      if (!isProved && (told.error === null || told.error.code in meanings)) {
        throw new PostriderError('unavailable', `${processId} at ${address} cannot be asked: ${unproved}`);
      }
      if (told.error !== null) throw explained(told.error, dispatcher);
      return method.responseDeserialize(told.bytes) as never;
    } finally {
      client.close();
    }
  };
}

const unproved = 'its answer bears no proof; is it of another version, or is somebody between?';

/** An answer as it came, and its proof. */
interface Told {
  readonly bytes: Buffer;
  readonly proof: string;
  readonly error: ServiceError | null;
}

function call(
  client: Client,
  { path }: MethodDefinition<unknown, unknown>,
  bytes: Buffer,
  metadata: Metadata,
): Promise<Told> {
  const { promise, resolve } = Promise.withResolvers<Told>();
  // What is proved is what travels: it is not encoded a second time.
  const asIs = (encoded: Buffer): Buffer => encoded;
  const options = { deadline: Date.now() + serverLimits.askDeadlineMs };
  let answer: Buffer = Buffer.alloc(0);
  let failed: ServiceError | null = null;
  client
    .makeUnaryRequest(path, asIs, asIs, bytes, metadata, options, (error, told) => {
      failed = error;
      answer = told ?? answer;
    })
    // The proof comes last.
    .on('status', ({ metadata: last }) => {
      resolve({ bytes: answer, proof: String(last.get(PROOF_METADATA)[0] ?? ''), error: failed });
    });
  return promise;
}

/** What a dispatcher says is wrong with a question; everything else says that it cannot be asked. */
const meanings: Partial<Record<status, 'not_found' | 'failed_precondition' | 'invalid_argument'>> = {
  [status.NOT_FOUND]: 'not_found',
  [status.FAILED_PRECONDITION]: 'failed_precondition',
  [status.INVALID_ARGUMENT]: 'invalid_argument',
};

function explained({ code, details }: ServiceError, { processId, address }: Askable): PostriderError {
  const meaning = meanings[code];
  if (meaning !== undefined) return new PostriderError(meaning, details);
  const why = code === status.DEADLINE_EXCEEDED ? 'it does not answer in time' : details;
  return new PostriderError('unavailable', `${processId} at ${address} cannot be asked: ${why}`);
}
