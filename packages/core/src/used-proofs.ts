import { limits } from './limits.ts';
import type { RandomBytes } from './ids.ts';

/** A proof that was used. */
export interface UsedProof {
  /** As it is written anew. */
  readonly proof: string;
  readonly nonce: Buffer;
  /** When it is worth nothing any more, ms since the Unix epoch. */
  readonly until: number;
  /** The key that it was made by. */
  readonly by: Buffer;
}

/** What makes a proof good for one call: only whoever has the key can make it longer. */
export interface UsedProofs {
  /** Null: it has not been used before, and is from now on; else one sentence. */
  use(one: UsedProof, now: number): string | null;
  /** The key of a proof that was used; undefined: not known, or not any more. */
  keyOf(proof: string): Buffer | undefined;
}

const again = 'the call was made before: a proof is good for one call';
const tooMany = 'too many calls in the last minutes; call again later';

/** Remembers each proof for as long as it is worth something. */
export function rememberProofs(): UsedProofs {
  const used = new Map<string, UsedProof>();
  return {
    use(one, now) {
      if (used.has(one.proof)) return again;
      forgetEnded(used, now);
      if (used.size >= limits.callProofsKeptMax) return tooMany;
      used.set(one.proof, one);
      return null;
    },
    keyOf: (proof) => used.get(proof)?.by,
  };
}

/** Bytes of a nonce that say whose it is; the rest is its number. */
const SENDER_BYTES = 6;

/** Nonces of one sender, which a receiver that numbers proofs tells apart however many there are. */
export function numberedNonces(random: RandomBytes): () => Buffer {
  const sender = random(SENDER_BYTES);
  let number = 0;
  return () => {
    const nonce = Buffer.alloc(2 * SENDER_BYTES);
    sender.copy(nonce);
    nonce.writeUIntBE((number += 1), SENDER_BYTES, SENDER_BYTES);
    return nonce;
  };
}

interface Sender {
  readonly until: number;
  readonly highest: number;
  /** Numbers that were used, down from the highest. */
  readonly seen: Set<number>;
}

/**
 * Remembers the last numbers of each sender alone, so any number of calls costs the same, however long a proof is worth
 * something. What is so far behind the last one as no calls are under way at once counts as used. A sender whose nonces are
 * random is one of one call each time.
 */
export function numberProofs(): UsedProofs {
  const senders = new Map<string, Sender>();
  const { callProofNumbersKept: span } = limits;
  return {
    use({ nonce, until }, now) {
      const whose = nonce.toString('base64url', 0, SENDER_BYTES);
      const number = nonce.readUIntBE(SENDER_BYTES, SENDER_BYTES);
      const known = senders.get(whose) ?? { until, highest: number, seen: new Set() };
      if (number <= known.highest - span || known.seen.has(number)) return again;
      forgetEnded(senders, now);
      if (senders.size >= limits.callProofsKeptMax && !senders.has(whose)) return tooMany;
      const highest = Math.max(known.highest, number);
      known.seen.add(number);
      if (known.seen.size > 2 * span) for (const one of known.seen) if (one <= highest - span) known.seen.delete(one);
      senders.delete(whose);
      senders.set(whose, { until: Math.max(known.until, until), highest, seen: known.seen });
      return null;
    },
    keyOf: () => undefined,
  };
}

/** They come about in the order in which they end, so nobody goes through all of them for one call. */
function forgetEnded(all: Map<string, { readonly until: number }>, now: number): void {
  for (const [key, { until }] of all) {
    if (until >= now) return;
    all.delete(key);
  }
}
