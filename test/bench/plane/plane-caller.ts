import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import { CreateEndpointRequest, GetEndpointRequest } from '@postrider/contract/postrider/v1/endpoint_service';
import type { ClientHttp2Stream } from 'node:http2';

/** A connection to the control plane that calls as cheaply as Node can: callers have the cores of those whose work is measured. */
export interface PlaneCaller extends AsyncDisposable {
  createEndpoint(tenant: string, id: string): Promise<void>;
  getEndpoint(name: string): Promise<void>;
}

export interface PlaneCallerOptions {
  readonly port: number;
  readonly apiKey: string;
  /** PEM of who issued the server's certificate. */
  readonly ca: string;
}

const SERVICE = '/postrider.v1.EndpointService';
/** Whether the message is compressed (never), and its length. */
const FRAME_HEAD_BYTES = 5;

/**
 * Opens a connection: gRPC over HTTP/2 and TLS as any client speaks it, but for what a client makes of an answer, which is
 * read and not decoded.
 */
export async function openPlaneCaller({ port, apiKey, ca }: PlaneCallerOptions): Promise<PlaneCaller> {
  const session = connect(`https://localhost:${port}`, { ca });
  // Its calls tell of it.
  session.on('error', () => {});
  await once(session, 'connect');
  const headers = {
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    'content-type': 'application/grpc',
    te: 'trailers',
    authorization: `Bearer ${apiKey}`,
  };
  const call = async (method: string, message: Uint8Array): Promise<void> => {
    const stream = session.request({ ...headers, [constants.HTTP2_HEADER_PATH]: `${SERVICE}/${method}` });
    stream.end(framed(message));
    const { status, bytes } = await answerOf(stream);
    if (status !== '0' || bytes <= FRAME_HEAD_BYTES) throw new Error(`${method} ended with status ${status}`);
  };
  return {
    createEndpoint: (tenant, endpointId) => {
      const request = {
        parent: `tenants/${tenant}`,
        endpointId,
        endpoint: { url: `https://hooks.example.com/${endpointId}` },
      };
      return call('CreateEndpoint', CreateEndpointRequest.encode(CreateEndpointRequest.fromPartial(request)).finish());
    },
    getEndpoint: (name) => call('GetEndpoint', GetEndpointRequest.encode({ name }).finish()),
    async [Symbol.asyncDispose]() {
      session.close();
      await once(session, 'close');
    },
  };
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(FRAME_HEAD_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, FRAME_HEAD_BYTES);
  return frame;
}

interface Answer {
  /** As the trailers say it; empty: they do not. */
  readonly status: string;
  readonly bytes: number;
}

function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let [status, bytes] = ['', 0];
  const look = (headers: Readonly<Record<string, unknown>>): void => {
    status = String(headers['grpc-status'] ?? status);
  };
  stream.on('response', look);
  stream.on('trailers', look);
  stream.on('data', (part: Buffer) => (bytes += part.length));
  stream.on('end', () => resolve({ status, bytes }));
  stream.on('error', reject);
  // As a server does with what has closed (docs/adr/0058): who measures must not stop to collect it either.
  stream.once('close', () => void stream.removeAllListeners());
  return promise;
}
