import { visitKeptHeaders } from './kept-headers.ts';
import { closeMessage, copyWritten, messageLength, openMessage, putRaw, putText } from './wire-writer.ts';

/** How many headers are remembered, and how many bytes of fields. */
const HEADERS_MAX = 32;
const BYTES_MAX = 8_192;

/**
 * Writes headers as they are kept, each as a message `HttpHeader` in a field of this key (number × 8 + 2). What a list
 * begins with like the one before it is copied as the bytes it was: headers that are the same for all requests, or for all
 * answers, stand first.
 */
export function headerFieldsWriter(key: number): (headers: readonly string[]) => void {
  const before = Buffer.allocUnsafe(BYTES_MAX);
  /** The list before: where the field of each header ends in `before`, and how many bytes are kept up to it. */
  const ends = new Uint32Array(HEADERS_MAX);
  const keptBytes = new Uint32Array(HEADERS_MAX);
  let list: readonly string[] = [];
  let count = 0;
  let start = 0;

  function remember(bytes: number): void {
    const end = messageLength() - start;
    if (count === HEADERS_MAX || end > BYTES_MAX) return;
    ends[count] = end;
    keptBytes[count] = bytes;
    count += 1;
  }

  function write(name: string, value: string, bytes: number): void {
    const body = openMessage(key);
    putText(10, name);
    putText(18, value);
    closeMessage(body);
    remember(bytes);
  }

  return (headers) => {
    const same = headersInCommon(headers, list, count);
    const copied = same === 0 ? 0 : (ends[same - 1] as number);
    start = messageLength();
    putRaw(before, 0, copied);
    count = same;
    list = headers;
    visitKeptHeaders(headers, write, 2 * same, same === 0 ? 0 : keptBytes[same - 1]);
    if (count > same) copyWritten(start + copied, start + (ends[count - 1] as number), before, copied);
  };
}

/** How many headers, at most `most`, two lists begin with alike. */
function headersInCommon(a: readonly string[], b: readonly string[], most: number): number {
  const end = 2 * most;
  let at = 0;
  while (at < end && at + 1 < a.length && a[at] === b[at] && a[at + 1] === b[at + 1]) at += 2;
  return at / 2;
}
