import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';

/** What `@grpc/grpc-js` calls a handler with, and how that answers. */
type Callback = (error: unknown, value?: unknown, trailer?: unknown, flags?: unknown) => void;
type Handler = (call: Call, callback?: Callback) => void;

/** Under it stands in a call what its answer ends with: in a WeakMap it would outlive its call by far (docs/adr/0058). */
const END = Symbol('end');

interface Call {
  [END]?: readonly unknown[];
}

/** The part of grpc-js's `Server` that the instrumentation wraps, too. */
interface GrpcServer {
  readonly handlers: ReadonlyMap<string, { func: Handler }>;
  register(name: string, handler: Handler, ...rest: unknown[]): boolean;
}

/**
 * Traces gRPC calls, and hands on all of an answer: the instrumentation as it comes calls back with error and value alone, so
 * that the trailer of what is answered well is lost, and with it the revision and the proof of our answers.
 */
export class WholeGrpcInstrumentation extends GrpcInstrumentation {
  override init(): ReturnType<GrpcInstrumentation['init']> {
    const definitions = super.init();
    for (const definition of definitions) {
      const patch = definition.patch;
      definition.patch = (exports: { readonly Server: { readonly prototype: GrpcServer } }, version) => {
        const patched: typeof exports = patch?.(exports, version);
        keepTrailers(patched.Server.prototype);
        return patched;
      };
    }
    return definitions;
  }
}

function keepTrailers(server: GrpcServer): void {
  const { register } = server;
  server.register = function (this: GrpcServer, name, handler, ...rest) {
    const noting: Handler = (call, callback) =>
      handler(
        call,
        callback === undefined
          ? undefined
          : (error, value, ...end) => {
              call[END] = end;
              callback(error, value);
            },
      );
    const isNew = register.call(this, name, noting, ...rest);
    const registered = this.handlers.get(name);
    if (!isNew || registered === undefined) return isNew;
    const traced = registered.func;
    registered.func = (call, callback) =>
      traced(call, callback === undefined ? undefined : (error, value) => callback(error, value, ...(call[END] ?? [])));
    return isNew;
  };
}
