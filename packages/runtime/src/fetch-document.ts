import { ask, type Question } from './ask.ts';

export interface FetchDocumentOptions extends Pick<Question, 'url' | 'ca' | 'bytesMax'> {
  /** From the look-up of the name to the last byte, ms. */
  readonly deadlineMs: number;
}

/**
 * Fetches a small document by GET: no redirects, no compression, no proxy, a connection of its own. Not for URLs of tenants,
 * which only the dispatchers open.
 * @throws Error one sentence that names the host; the rest of the URL may be secret
 */
export async function fetchDocument({ deadlineMs, ...asked }: FetchDocumentOptions): Promise<string> {
  const headers = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'postrider' };
  const { status, body } = await ask({ ...asked, method: 'GET', headers, alone: true, timeoutMs: deadlineMs });
  if (status !== 200) throw new Error(`${asked.url.host} answers ${status}, not 200`);
  return body;
}
