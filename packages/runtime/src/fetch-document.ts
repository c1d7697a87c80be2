import { request } from 'node:https';

export interface FetchDocumentOptions {
  /** Of the operator's own choice; https. */
  readonly url: URL;
  /** Authorities that vouch for its server, PEM; absent: those that Node believes. */
  readonly ca?: string;
  readonly bytesMax: number;
  /** From the look-up of the name to the last byte, ms. */
  readonly deadlineMs: number;
}

/**
 * Fetches a small document by GET: no redirects, no compression, no proxy, a connection of its own. Not for URLs of tenants,
 * which only the dispatchers open.
 * @throws Error one sentence that names the host; the rest of the URL may be secret
 */
export async function fetchDocument({ url, ca, bytesMax, deadlineMs }: FetchDocumentOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fail = (why: string, cause?: unknown): void => reject(new Error(`${url.host} ${why}`, { cause }));
  const headers = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'postrider' };
  const asking = request(url, { agent: false, headers, ...(ca === undefined ? {} : { ca }) }, (answer) => {
    if (answer.statusCode !== 200) {
      fail(`answers ${answer.statusCode}, not 200`);
      return asking.destroy();
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= bytesMax) return;
      fail(`answers more than ${bytesMax} bytes`);
      asking.destroy();
    });
    answer.on('end', () => (answer.complete ? resolve(Buffer.concat(chunks).toString('utf8')) : fail('broke off')));
    answer.on('error', (error) => fail('broke off', error));
  });
  const late = setTimeout(() => {
    fail(`did not answer within ${deadlineMs} ms`);
    asking.destroy();
  }, deadlineMs);
  asking.on('error', (error: NodeJS.ErrnoException) => fail(`cannot be asked (${error.code ?? error.message})`, error));
  asking.end();
  return promise.finally(() => clearTimeout(late));
}
