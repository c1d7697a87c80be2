/**
 * The headers as the client has them (bytes: name, value, name, value …) as text: names in lower case, every byte one
 * Latin-1 character, so nothing is lost and nothing can be malformed. `retryAfter` is picked out on the way.
 */
export function readHeaders(raw: readonly unknown[]): { headers: string[]; retryAfter: string | undefined } {
  const headers: string[] = [];
  let retryAfter: string | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = textOf(raw[index]).toLowerCase();
    const value = textOf(raw[index + 1]);
    headers.push(name, value);
    if (name === 'retry-after') retryAfter = retryAfter === undefined ? value : `${retryAfter}, ${value}`;
  }
  return { headers, retryAfter };
}

function textOf(part: unknown): string {
  return Buffer.isBuffer(part) ? part.toString('latin1') : String(part);
}
