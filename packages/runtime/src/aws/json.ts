/** What an answer of a service of AWS may have, in bytes: keys and tokens are small. */
export const ANSWER_BYTES_MAX = 64 * 1_024;

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
