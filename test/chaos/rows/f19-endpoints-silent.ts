import { rowOfEdges } from '../endpoint-edges.ts';

const silentMs = 40_000;
/** Of twenty. */
const silent = new Set(['good-1', 'good-4', 'good-7', 'good-8', 'good-11', 'good-14']);

export const endpointsSilent = rowOfEdges(
  {
    id: 'F19',
    title: 'Six of twenty endpoints answer nothing for 40 s, and nothing closes their connections',
    recoveryMsMax: 60_000,
    noDuplicates: true,
    calmRatioMax: 1.2,
  },
  async (scene, edges) => {
    scene.broken(silent);
    edges.set(silent, { kind: 'unheard' });
    // Each has one request at a time by now, so its breaker may or may not have opened.
    await scene.pass(silentMs);
    edges.mend(silent);
    await scene.recovered(scene.mended(), silent);
  },
);
