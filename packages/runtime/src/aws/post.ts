import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** What came back. */
export interface Answered {
  readonly status: number;
  readonly body: string;
}

/** A question to a service of the operator's own cloud, over HTTP. */
export interface Question {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}

/** What an answer may have, in bytes: keys and tokens are small. */
const ANSWER_BYTES_MAX = 64 * 1_024;

/** Asks, and reads the whole answer. Rejects when there is none in time, or it is too large; redirects are answers like others. */
export function ask({ method, url, headers, body, timeoutMs }: Question): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const signal = AbortSignal.timeout(timeoutMs);
  const outgoing = send(url, { method, headers, signal }, (response) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    response.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > ANSWER_BYTES_MAX) outgoing.destroy(new Error('the answer is too large'));
      else parts.push(part);
    });
    response.on('error', reject);
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
    );
  });
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}

/**
 * The fields of an answer in JSON, none where it is something else; null: it is no JSON. What `JSON.parse` says of that is not
 * told: it quotes what stands there, which may be a key.
 */
export function fieldsOf(body: string): Readonly<Record<string, unknown>> | null {
  try {
    const read: unknown = JSON.parse(body);
    return typeof read === 'object' && read !== null ? (read as Readonly<Record<string, unknown>>) : {};
  } catch {
    return null;
  }
}
