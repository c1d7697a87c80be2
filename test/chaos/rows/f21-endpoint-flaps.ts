import { rowOfEdges } from '../endpoint-edges.ts';

const upMs = 10_000;
const rounds = 4;
const answeredMs = 200;
const flapping = new Set(['good-1', 'good-5']);
/** Six an hour in the end; at first it is not known yet that they come and go. */
const openedMax = 2;

export const endpointFlaps = rowOfEdges(
  {
    id: 'F21',
    title: 'Two endpoints refuse connections for 10 s and take everything for 10 s, four times',
    recoveryMsMax: 75_000,
    noDuplicates: true,
    calmRatioMax: 1.2,
  },
  async (scene, edges) => {
    scene.broken(flapping);
    for (let round = 0; round < rounds; round += 1) {
      // What was taken is still answered: nothing of it has to be repeated.
      edges.set(flapping, { kind: 'unheard' });
      await scene.pass(answeredMs);
      edges.set(flapping, { kind: 'down' });
      await scene.pass(upMs);
      edges.set(flapping, { kind: 'none' });
      await scene.pass(upMs);
    }
    const opened = scene.stack.dispatchers.reduce((sum, { log }) => sum + log.split('"move":"opened"').length - 1, 0);
    scene.promise('their breakers open', opened >= flapping.size);
    scene.promise('each opens twice at most', opened <= openedMax * flapping.size);
    await scene.recovered(scene.mended(), flapping);
  },
);
