import { MASKED } from './kept-headers.ts';
import type { Secret } from './secret.ts';

/** What an endpoint sends back. */
export interface Answer {
  /** Flat: name, value, name, value … Every byte one Latin-1 character. */
  readonly headers: readonly string[];
  readonly excerpt?: Buffer;
}

/**
 * An answer without the secrets that the endpoint was shown: some endpoints, a debugging page above all, send back what they
 * were sent, and attempts are read by people who may not read secrets. What is shorter than the mask is not looked for: it
 * would be found by chance. Nothing becomes longer by it.
 */
export function maskReflected<A extends Answer>(answer: A, secrets: readonly Secret[]): A {
  let masked = answer;
  for (const secret of secrets) {
    if (secret.length < MASKED.length) continue;
    const bytes = secret.revealBytes();
    const text = bytes.toString('latin1');
    const { headers, excerpt } = masked;
    if (headers.some((part) => part.includes(text))) {
      masked = { ...masked, headers: headers.map((part) => part.replaceAll(text, MASKED)) };
    }
    if (excerpt?.includes(bytes) === true) {
      const rest = excerpt.toString('latin1').replaceAll(text, MASKED);
      masked = { ...masked, excerpt: Buffer.from(rest, 'latin1') };
    }
  }
  return masked;
}
