import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** What came back. */
export interface Answered {
  readonly status: number;
  readonly body: string;
}

/** A question to a service of the operator's own choice, over HTTP. Not for URLs of tenants, which only the dispatchers open. */
export interface Question {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Authorities that vouch for its server, PEM; absent: those that Node believes. */
  readonly ca?: string;
  /** Over a connection that nothing else has used or will. */
  readonly alone?: boolean;
  readonly bytesMax: number;
  /** From the look-up of the name to the last byte, ms. */
  readonly timeoutMs: number;
}

/** There is no answer. Its message is one sentence that names the host: the rest of the URL may be secret. */
export class NoAnswerError extends Error {
  /** Node's code, such as `ECONNREFUSED`, where there is one. */
  readonly code: string | undefined;

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'NoAnswerError';
    this.code = (cause as NodeJS.ErrnoException | undefined)?.code;
  }
}

/**
 * Asks, and reads the whole answer; redirects are answers like others.
 * @throws NoAnswerError when there is none in time, or it is too large
 */
export async function ask({ url, body = '', alone, ca, bytesMax, timeoutMs, ...rest }: Question): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const fail = (why: string, cause?: unknown): void => {
    reject(new NoAnswerError(`${url.host} ${why}`, cause));
    outgoing.destroy();
  };
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const connection = { ...(alone === true ? { agent: false } : {}), ...(ca === undefined ? {} : { ca }) };
  const outgoing = send(url, { ...rest, ...connection }, (answer) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > bytesMax) fail(`answers more than ${bytesMax} bytes`);
      else parts.push(part);
    });
    answer.on('error', (error) => fail('broke off', error));
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }));
  });
  const late = setTimeout(() => fail(`did not answer within ${timeoutMs} ms`), timeoutMs);
  outgoing.on('error', (error: NodeJS.ErrnoException) =>
    fail(`cannot be asked (${error.code ?? error.message})`, error),
  );
  outgoing.end(body);
  return promise.finally(() => clearTimeout(late));
}
