import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCampaign } from './campaign.ts';

const noSeed = { deliveries: 1, requests: 0, virtualHours: 0, traceHash: '', lines: [] };
/** Every seed is over at once, but for the third and the last, which never are. */
const endless = {
  file: 'test/simulation/worker.ts',
  find: '  try {\n',
  replace: `  while (seed === 3 || seed === 20);
  return { seed, problems: [], coverage: { crashes: {}, situations: {} }, ...${JSON.stringify(noSeed)} };
  try {\n`,
};

test('a seed that does not come to an end is told as a problem, and all others are run', async () => {
  const told: number[] = [];
  const { seeds, failed, deliveries, problems } = await runCampaign({
    ...{ from: 1, seeds: 20, processes: 1, trace: false, schedule: null, plants: [endless], stopAtFirst: false },
    seedMsMax: 1_000,
    onResult: ({ seed }) => void told.push(seed),
  });
  assert.deepEqual([seeds, failed, deliveries], [20, 2, 18]);
  assert.deepEqual(problems['endless'], { seeds: 2, firstSeed: 3, text: 'it has not come to an end in 1 s' });
  assert.deepEqual(
    told.toSorted((a, b) => a - b),
    Array.from({ length: 20 }, (_, at) => at + 1),
  );
});
