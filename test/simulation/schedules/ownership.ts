import { SECOND } from '../plan.ts';
import type { Schedule } from './schedule.ts';

/** What goes wrong with claims and with progress. */
export const ownershipSchedules: readonly Schedule[] = [
  {
    name: 'old-progress-after-new',
    about: 'a progress record comes after the next reign has begun, and that owner dies at once',
    delaysMs: [20 * SECOND, 30 * SECOND],
    steps: [
      { write: 'row-put', fate: 'store' },
      { write: 'progress', fate: 'hold', pod: 'crash' },
      { write: 'progress', byAnother: true, fate: 'store', held: 'after', pod: 'crash' },
    ],
  },
];
