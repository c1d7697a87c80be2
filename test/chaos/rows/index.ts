import type { Row } from '../row.ts';
import { dispatcherKilled } from './f01-dispatcher-killed.ts';
import { routerKilled } from './f02-router-killed.ts';
import { rollingRestart } from './f04-rolling-restart.ts';
import { dispatcherStopped } from './f06-dispatcher-stopped.ts';

/** Every row, in the order in which they run. */
export const rows: readonly Row[] = [dispatcherKilled, routerKilled, rollingRestart, dispatcherStopped];
