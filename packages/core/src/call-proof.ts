import { createHmac, timingSafeEqual } from 'node:crypto';
import { PostriderError } from './errors.ts';
import { limits } from './limits.ts';
import { rememberProofs, type UsedProofs } from './used-proofs.ts';
import type { SealingKey } from './seal.ts';

/** The metadata that such a call bears its proof in, and its answer another. */
export const PROOF_METADATA = 'postrider-proof';

/** Proves calls between the services of one installation: who has the key-encryption key is one of them. */
export interface CallProver {
  /** What goes with a call: when it was made, and the proof that it was made so. */
  prove(call: ProvableCall): string;
  /**
   * Null when the proof holds at `now` (ms since the Unix epoch) and this prover has not seen it before; else one sentence
   * that says what is wrong.
   */
  problem(proof: string, call: Pick<ProvableCall, 'method' | 'processId' | 'request'>, now: number): string | null;
  /**
   * What goes with the answer to the call that bore `proof`: by the key that the call was proved by, if it was here. Its caller
   * has that one, and may not have our first one, or not any more.
   */
  proveAnswer(proof: string, answer: ProvableAnswer): string;
  /** Whether the answer is the one that was given to the call that bore `proof`. */
  isAnswer(answerProof: string, proof: string, answer: ProvableAnswer): boolean;
}

/** What is proved: nobody can make another call of it, or the same one again or elsewhere. */
export interface ProvableCall {
  readonly method: string;
  /** The process that is called. */
  readonly processId: string;
  /** The request as it travels. */
  readonly request: Uint8Array;
  /** When it is made, ms since the Unix epoch. */
  readonly time: number;
  /** 12 random bytes, so that no two calls have the same proof. */
  readonly nonce: Buffer;
}

/** An answer as it travels, or what is wrong with the call: a status of gRPC and its text. */
export type ProvableAnswer = Uint8Array | { readonly code: number; readonly details: string };

const form = /^v1 (\d{1,15}) ([A-Za-z0-9_-]{16}) ([A-Za-z0-9_-]{43})$/;

export interface CallProverOptions {
  /** How it knows a proof that was used. */
  readonly used?: UsedProofs;
  /** A proof is right, but for when it says that it was made: so many ms from now, ahead or behind. */
  readonly onApart?: (apartMs: number) => void;
}

/**
 * A prover by the installation's keys: by the first it proves, and each it believes, so that keys can be changed one process
 * after the other. The keys themselves never travel, and these sign nothing else.
 * @param keys at least one
 */
export function createCallProver(
  keys: readonly Pick<SealingKey, 'key'>[],
  { used = rememberProofs(), onApart = () => undefined }: CallProverOptions = {},
): CallProver {
  const believed = keys.map(({ key }) => createHmac('sha256', key).update('postrider calls between services').digest());
  const [own] = believed;
  if (own === undefined) throw new PostriderError('internal', 'there is no key to prove calls by');
  const macOf = (by: Buffer, { method, processId, time, nonce, request }: ProvableCall): Buffer =>
    createHmac('sha256', by)
      .update(JSON.stringify(['call', method, processId, time, nonce.toString('base64url')]))
      .update('\n')
      .update(request)
      .digest();
  const answerMac = (by: Buffer, proof: string, answer: ProvableAnswer): Buffer => {
    const isFailure = !(answer instanceof Uint8Array);
    const what = isFailure ? ['failure', proof, answer.code, answer.details] : ['answer', proof];
    const mac = createHmac('sha256', by).update(JSON.stringify(what)).update('\n');
    return (isFailure ? mac : mac.update(answer)).digest();
  };
  return {
    prove: (call) => `v1 ${call.time} ${call.nonce.toString('base64url')} ${macOf(own, call).toString('base64url')}`,
    problem(proof, call, now) {
      const [, time = '', nonce = '', mac = ''] = form.exec(proof) ?? [];
      if (time === '') return 'the call bears no proof';
      const made = { ...call, time: Number(time), nonce: Buffer.from(nonce, 'base64url') };
      const given = Buffer.from(mac, 'base64url');
      const by = believed.find((one) => timingSafeEqual(macOf(one, made), given));
      if (by === undefined) {
        return 'the proof of the call is wrong: do both services have the same POSTRIDER_KEK?';
      }
      const apartMs = Math.abs(now - Number(time));
      if (apartMs > limits.callProofKeptMs) {
        onApart(apartMs);
        return `the call was made ${Math.round(apartMs / 1_000)} s from now: are the clocks of the two machines right?`;
      }
      // As it is written anew: the last digit of base64 has spellings that mean the same.
      const until = Number(time) + limits.callProofKeptMs;
      return used.use({ proof: given.toString('base64url'), nonce: made.nonce, until, by }, now);
    },
    proveAnswer(proof, answer) {
      const [, , , mac = ''] = form.exec(proof) ?? [];
      const by = used.keyOf(Buffer.from(mac, 'base64url').toString('base64url')) ?? own;
      return answerMac(by, proof, answer).toString('base64url');
    },
    isAnswer(answerProof, proof, answer) {
      const given = Buffer.from(answerProof, 'base64url');
      const isBy = (wanted: Buffer): boolean => given.length === wanted.length && timingSafeEqual(wanted, given);
      return believed.some((by) => isBy(answerMac(by, proof, answer)));
    },
  };
}
