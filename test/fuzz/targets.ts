import { retryAfter } from './retry-after.ts';
import { url } from './url.ts';
import type { FuzzTarget } from './target.ts';

/** Everything that can be fuzzed, by name. */
export const targets: Readonly<Record<string, FuzzTarget>> = { url, 'retry-after': retryAfter };
