import { randomInt } from 'node:crypto';

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

/** Drawn by each process: who chooses ids cannot choose such that all fall on one place of a table. */
const SEED = randomInt(2 ** 32);
const FACTOR = randomInt(2 ** 31) * 2 + 1;

/** A hash of a packed key. */
export function hashOfPacked({ words, rest }: PackedKey): number {
  return hashOfKey(words[0] as number, words[1] as number, words[2] as number, words[3] as number, rest);
}

/** The same of its four words and what follows them. */
export function hashOfKey(a: number, b: number, c: number, d: number, rest: string): number {
  let hash = mix(mix(mix(mix(SEED, a), b), c), d);
  for (let i = 0; i < rest.length; i += 1) hash = mix(hash, rest.charCodeAt(i));
  return spread(hash) >>> 0;
}

function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, FACTOR);
  return product ^ (product >>> 15);
}

/** Each bit depends on all others, whatever the factor that was drawn: tables take the lowest ones. (The end of MurmurHash3.) */
function spread(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return twice ^ (twice >>> 16);
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
