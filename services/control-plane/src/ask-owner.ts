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

/** Asks over gRPC, each time over a connection of its own: questions are rare, and dispatchers come and go. */
export function createAskDispatcher(kek: SealingKey, clock: Clock): AskDispatcher {
  const prover = createCallProver(kek);
  return async (dispatcher, name, request) => {
    const { processId, address } = dispatcher;
    if (address === '') {
      throw new PostriderError('unavailable', `${processId} cannot be asked: it tells no address to ask it at`);
    }
    const method = OwnerServiceService[name] as unknown as MethodDefinition<unknown, unknown>;
    const bytes = method.requestSerialize(request);
    const proof = prover.prove({ method: method.path, processId, request: bytes, time: Math.round(clock.now()) });
    const metadata = new Metadata();
    metadata.set(PROOF_METADATA, proof);
    const client: Client = new NoService(address, credentials.createInsecure());
    try {
      return (await call(client, method, bytes, metadata)) as never;
    } catch (error) {
      throw explained(error as ServiceError, dispatcher);
    } finally {
      client.close();
    }
  };
}

function call(
  client: Client,
  { path, responseDeserialize }: MethodDefinition<unknown, unknown>,
  bytes: Buffer,
  metadata: Metadata,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  // What is proved is what travels: it is not encoded a second time.
  const serialize = (encoded: Buffer): Buffer => encoded;
  const options = { deadline: Date.now() + serverLimits.askDeadlineMs };
  client.makeUnaryRequest(path, serialize, responseDeserialize, bytes, metadata, options, (error, answer) => {
    if (error === null) resolve(answer);
    else reject(error);
  });
  return promise;
}

function explained({ code, details }: ServiceError, { processId, address }: Askable): PostriderError {
  if (code === status.NOT_FOUND) return new PostriderError('not_found', details);
  if (code === status.FAILED_PRECONDITION) return new PostriderError('failed_precondition', details);
  if (code === status.INVALID_ARGUMENT) return new PostriderError('invalid_argument', details);
  const why = code === status.DEADLINE_EXCEEDED ? 'it does not answer in time' : details;
  return new PostriderError('unavailable', `${processId} at ${address} cannot be asked: ${why}`);
}
