import { join } from 'node:path';
import type { Row } from '../row.ts';

const shifts: Readonly<Record<string, number>> = { 'dispatcher-1': 600_000, 'dispatcher-2': -600_000 };
const preload = join(import.meta.dirname, '../../support/shift-clock.ts');
const noticedMsMax = 30_000;
const lastsMs = 10_000;

export const clockSet: Row = {
  id: 'F16',
  title: 'The clock of one dispatcher is set 10 min ahead, that of another 10 min back, for 10 s',
  recoveryMsMax: 5_000,
  noDuplicates: true,
  calmRatioMax: 1.2,
  envOf(name) {
    const shiftMs = shifts[name];
    if (shiftMs === undefined) return {};
    return { NODE_OPTIONS: `--import=${preload}`, TEST_CLOCK_SHIFT_MS: String(shiftMs) };
  },
  async inject(scene) {
    const shifted = scene.stack.dispatchers.filter(({ name }) => name in shifts);
    // Nobody is to notice: every signature is verified, its time included.
    const from = scene.broken(new Set());
    for (const dispatcher of shifted) dispatcher.signal('SIGUSR2');
    for (const dispatcher of shifted) await scene.promiseSaid(dispatcher, /clock\.off/, noticedMsMax);
    await scene.recovered(from);
    await scene.pass(lastsMs);
    for (const dispatcher of shifted) dispatcher.signal('SIGUSR2');
    for (const dispatcher of shifted) await scene.promiseSaid(dispatcher, /clock\.right/, noticedMsMax);
    await scene.recovered(scene.mended());
  },
};
