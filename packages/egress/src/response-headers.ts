/** The headers of an answer as text, and what was picked out on the way. */
export interface ResponseHeaders {
  /** Flat: name, value, name, value … Names in lower case, every byte one Latin-1 character: nothing can be malformed. */
  readonly headers: string[];
  /** Several are joined by `, `, which is no valid value. */
  readonly retryAfter: string | undefined;
  /** How long the body is to be, in bytes, if the answer said so. */
  readonly contentLength: number | undefined;
  /** The answer calls its body chunked, but not by the last of its transfer codings: nobody knows where it ends. */
  readonly framingInDoubt: boolean;
}

/** Reads the headers as the client has them: bytes, name, value, name, value … */
export function readHeaders(raw: readonly unknown[]): ResponseHeaders {
  const headers: string[] = [];
  let retryAfter: string | undefined;
  let contentLength: number | undefined;
  let codings = '';
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = textOf(raw[index]).toLowerCase();
    const value = textOf(raw[index + 1]);
    headers.push(name, value);
    if (name === 'retry-after') retryAfter = retryAfter === undefined ? value : `${retryAfter}, ${value}`;
    // The parser has refused what is no number, and a second one.
    else if (name === 'content-length') contentLength = Number(value);
    else if (name === 'transfer-encoding') codings = `${codings},${value.toLowerCase()}`;
  }
  return { headers, retryAfter, contentLength, framingInDoubt: codings !== '' && isInDoubt(codings) };
}

/** RFC 9112 §6.1: chunked is applied once, and last. */
function isInDoubt(codings: string): boolean {
  const all = codings.split(',').map((coding) => coding.trim());
  return all.slice(0, -1).includes('chunked');
}

function textOf(part: unknown): string {
  return Buffer.isBuffer(part) ? part.toString('latin1') : String(part);
}
