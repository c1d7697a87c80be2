/**
 * A work key in the form in which a table of rows holds it: the 128 bits of the delivery id and whatever follows them. Any
 * text has exactly one such form and comes back as it was: what is no delivery id is all `rest`, with four zeros.
 */
export interface PackedKey {
  readonly words: Uint32Array;
  rest: string;
}

const PREFIX = 'dlv_';
const scratch = Buffer.alloc(16);
const ID_CHARS = PREFIX.length + 32;

/** A key that is packed into again and again. */
export function createPackedKey(): PackedKey {
  return { words: new Uint32Array(4), rest: '' };
}

/** Packs `key` into `into`. */
export function packKey(key: string, into: PackedKey): void {
  if (packId(key, into.words) && (key.length === ID_CHARS || key.charCodeAt(ID_CHARS) === 0x2f)) {
    into.rest = key.length === ID_CHARS ? '' : key.slice(ID_CHARS);
    return;
  }
  into.words.fill(0);
  into.rest = key;
}

/** The key that was packed. */
export function unpackKey(words: ArrayLike<number>, rest: string): string {
  let bits = 0;
  for (let i = 0; i < 4; i += 1) {
    const word = words[i] as number;
    bits |= word;
    scratch.writeUInt32BE(word, i * 4);
  }
  return bits === 0 ? rest : PREFIX + scratch.toString('hex') + rest;
}

/** A hash of a packed key by its first word: the words of a delivery id are a hash already; other keys, and runs, bring their own. */
export function hashOfKey(word: number, rest: string): number {
  let hash = word;
  for (let i = 0; i < rest.length; i += 1) hash = Math.imul(hash ^ rest.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function packId(key: string, words: Uint32Array): boolean {
  if (key.length < ID_CHARS || !key.startsWith(PREFIX)) return false;
  let bits = 0;
  for (let word = 0; word < 4; word += 1) {
    let value = 0;
    for (let i = 0; i < 8; i += 1) {
      const digit = hexDigit(key.charCodeAt(PREFIX.length + word * 8 + i));
      if (digit < 0) return false;
      value = (value << 4) | digit;
    }
    words[word] = value;
    bits |= value;
  }
  return bits !== 0;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}
