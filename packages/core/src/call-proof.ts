import { createHmac, timingSafeEqual } from 'node:crypto';
import { limits } from './limits.ts';
import type { SealingKey } from './seal.ts';

/** The metadata that such a call bears its proof in. */
export const PROOF_METADATA = 'postrider-proof';

/** Proves calls between the services of one installation: who has the key-encryption key is one of them. */
export interface CallProver {
  /** What goes with a call: when it was made, and the proof that it was made so. */
  prove(call: ProvableCall): string;
  /** Null when the proof holds at `now` (ms since the Unix epoch); else one sentence that says what is wrong. */
  problem(proof: string, call: Omit<ProvableCall, 'time'>, now: number): string | null;
}

/** What is proved: nobody can make another call of it, or the same one later or elsewhere. */
export interface ProvableCall {
  readonly method: string;
  /** The process that is called. */
  readonly processId: string;
  /** The request as it travels. */
  readonly request: Uint8Array;
  /** When it is made, ms since the Unix epoch. */
  readonly time: number;
}

const form = /^v1 (\d{1,15}) ([A-Za-z0-9_-]{43})$/;

/** A prover by the installation's key. The key itself never travels, and signs nothing else. */
export function createCallProver({ key }: Pick<SealingKey, 'key'>): CallProver {
  const own = createHmac('sha256', key).update('postrider calls between services').digest();
  const macOf = ({ method, processId, time, request }: ProvableCall): Buffer =>
    createHmac('sha256', own)
      .update(JSON.stringify([method, processId, time]))
      .update('\n')
      .update(request)
      .digest();
  return {
    prove: (call) => `v1 ${call.time} ${macOf(call).toString('base64url')}`,
    problem(proof, call, now) {
      const [, time = '', mac = ''] = form.exec(proof) ?? [];
      if (time === '') return 'the call bears no proof';
      const wanted = macOf({ ...call, time: Number(time) });
      if (!timingSafeEqual(wanted, Buffer.from(mac, 'base64url'))) {
        return 'the proof of the call is wrong: do both services have the same POSTRIDER_KEK?';
      }
      const apartMs = Math.abs(now - Number(time));
      if (apartMs <= limits.callProofKeptMs) return null;
      return `the call was made ${Math.round(apartMs / 1_000)} s from now: are the clocks of the two machines right?`;
    },
  };
}
