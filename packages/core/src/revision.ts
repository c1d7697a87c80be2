import { PostriderError } from './errors.ts';

// A decimal number without leading zeros; 20 digits hold every 64-bit value.
const form = /^(?:0|[1-9][0-9]{0,19})$/;

/** The number behind a revision; null when the text is no revision. Clients treat revisions as opaque. */
export function parseRevision(text: string): bigint | null {
  return form.test(text) ? BigInt(text) : null;
}

/**
 * The text of a revision.
 * @throws PostriderError `revision_invalid` for a number that has no text
 */
export function formatRevision(revision: bigint): string {
  const text = revision.toString();
  if (!form.test(text)) throw new PostriderError('revision_invalid', `${text} cannot be a revision`);
  return text;
}

/**
 * Whether a config view at `current` has seen what happened up to `wanted`. An empty `wanted` asks for nothing. A text
 * that is no revision is never reached: waiting ends by itself, taking an endpoint for deleted does not.
 */
export function revisionReached(current: string, wanted: string): boolean {
  if (wanted === '' || (wanted === current && form.test(wanted))) return true;
  const have = parseRevision(current);
  const want = parseRevision(wanted);
  return have !== null && want !== null && have >= want;
}
