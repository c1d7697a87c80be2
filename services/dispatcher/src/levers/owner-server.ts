import { Metadata, Server, ServerCredentials, logVerbosity, setLogVerbosity, status } from '@grpc/grpc-js';
import { OwnerServiceService } from '@postrider/contract/postrider/v1/owner_service';
import { createCallProver, limits, PostriderError, PROOF_METADATA, type Clock, type SealingKey } from '@postrider/core';
import type { handleUnaryCall, MethodDefinition, sendUnaryData, ServerUnaryCall, ServiceError } from '@grpc/grpc-js';
import type { Logger } from '@postrider/runtime';

/** Where a dispatcher answers the control plane's questions. */
export interface QuestionsConfig {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Where others reach it, with or without a port; empty: at `host`, or at this machine's name if that means every address. */
  readonly address: string;
}

/** Answers one kind of question. Throws PostriderErrors. */
export type Answerer<Request, Response> = (request: Request) => Response;

/** What is asked, by the names of the service's methods. What ends a delivery is answered when that is written. */
export type Answers = {
  readonly [M in keyof OwnerMethods]: Answerer<
    RequestOf<M>,
    M extends 'skipWork' ? Promise<ResponseOf<M>> : ResponseOf<M>
  >;
};

type OwnerMethods = typeof OwnerServiceService;
type RequestOf<M extends keyof OwnerMethods> = ReturnType<OwnerMethods[M]['requestDeserialize']>;
type ResponseOf<M extends keyof OwnerMethods> = ReturnType<OwnerMethods[M]['responseDeserialize']>;

/** Answers questions over gRPC, as few at once as leave the rest of the process alone. */
export interface OwnerServer extends AsyncDisposable {
  /** The port listened on. */
  readonly port: number;
}

/** What it needs. */
export interface OwnerServerOptions extends Pick<QuestionsConfig, 'host' | 'port'> {
  readonly processId: string;
  /** What the installation's processes know each other by. */
  readonly shared: readonly SealingKey[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** Nobody asks for more in one call, nor stays longer: the control plane makes a connection for each question. */
const serverOptions = {
  'grpc.max_receive_message_length': 16_384,
  'grpc.max_metadata_size': 8_192,
  'grpc.max_concurrent_streams': limits.questionsAtOnceMax,
  'grpc.max_connection_age_ms': 30_000,
  'grpc.max_connection_age_grace_ms': 5_000,
  'grpc.max_connection_idle_ms': 15_000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.so_reuseport': 0,
};
const STOP_GRACE_MS = 1_000;

/** What goes wrong, as the caller hears it. */
type Told = Pick<ServiceError, 'code' | 'details'>;

/** A request as it came, for its proof, and what it says. */
interface Asked {
  readonly bytes: Buffer;
  readonly request: unknown;
}

/**
 * Listens; `answers` are null while the process starts. Nobody is answered whose call is not proved, or was made before; answers
 * are proved as well, so that nobody on the way can put another in their place. What passes is not secret.
 * @throws Error one sentence that names the port and its variable
 */
export async function startOwnerServer(
  answers: () => Answers | null,
  options: OwnerServerOptions,
): Promise<OwnerServer> {
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server(serverOptions);
  const { processId, clock, log } = options;
  const prover = createCallProver(options.shared);
  const definitions: Record<string, MethodDefinition<Asked, Buffer>> = {};
  const handlers: Record<string, handleUnaryCall<Asked, Buffer>> = {};

  async function answerOf(name: keyof OwnerMethods, proof: string, { bytes, request }: Asked): Promise<Buffer> {
    const { path, responseSerialize } = OwnerServiceService[name] as unknown as MethodDefinition<unknown, unknown>;
    const problem = prover.problem(proof, { method: path, processId, request: bytes }, clock.now());
    if (problem !== null) throw new PostriderError('unauthenticated', problem);
    const all = answers();
    if (all === null) throw new PostriderError('unavailable', 'this process is starting');
    return responseSerialize(await (all[name] as Answerer<unknown, unknown>)(request));
  }

  async function answer(
    name: keyof OwnerMethods,
    { metadata, request }: ServerUnaryCall<Asked, Buffer>,
    callback: sendUnaryData<Buffer>,
  ): Promise<void> {
    const proof = String(metadata.get(PROOF_METADATA)[0] ?? '');
    let given: Buffer;
    try {
      given = await answerOf(name, proof, request);
    } catch (error) {
      const told = failure(error, log);
      // Nothing is proved for a proof that was not good: it may be anybody's.
      const proved =
        told.code === status.UNAUTHENTICATED ? {} : { metadata: provedBy(prover.proveAnswer(proof, told)) };
      return callback({ ...told, ...proved });
    }
    callback(null, given, provedBy(prover.proveAnswer(proof, given)));
  }

  for (const name of Object.keys(OwnerServiceService) as (keyof OwnerMethods)[]) {
    const method = OwnerServiceService[name] as unknown as MethodDefinition<unknown, unknown>;
    definitions[name] = {
      ...method,
      requestSerialize: ({ bytes }) => bytes,
      requestDeserialize: (bytes) => ({ bytes, request: method.requestDeserialize(bytes) }),
      responseSerialize: (bytes) => bytes,
      responseDeserialize: (bytes) => bytes,
    };
    handlers[name] = (call, callback) => void answer(name, call, callback);
  }
  server.addService(definitions, handlers);
  const port = await bind(server, options);
  return {
    port,
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = options.clock.after(STOP_GRACE_MS, () => server.forceShutdown());
      server.tryShutdown(() => resolve());
      await promise;
      cancel();
    },
  };
}

function provedBy(proof: string): Metadata {
  const metadata = new Metadata();
  metadata.set(PROOF_METADATA, proof);
  return metadata;
}

function failure(error: unknown, log: Logger): Told {
  if (!(error instanceof PostriderError)) {
    log.error({ error }, 'a question could not be answered by a fault of our own');
    return { code: status.INTERNAL, details: 'internal error; the log of the dispatcher says more' };
  }
  const codes: Partial<Record<typeof error.code, status>> = {
    unavailable: status.UNAVAILABLE,
    unauthenticated: status.UNAUTHENTICATED,
    not_found: status.NOT_FOUND,
    failed_precondition: status.FAILED_PRECONDITION,
    invalid_argument: status.INVALID_ARGUMENT,
  };
  return { code: codes[error.code] ?? status.INTERNAL, details: error.message };
}

function bind(server: Server, { host, port }: OwnerServerOptions): Promise<number> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
    if (error === null) return resolve(bound);
    const text = `cannot listen on ${address} for questions (POSTRIDER_QUESTIONS_HOST, POSTRIDER_QUESTIONS_PORT): ${error.message}`;
    reject(new Error(text, { cause: error }));
  });
  return promise;
}
