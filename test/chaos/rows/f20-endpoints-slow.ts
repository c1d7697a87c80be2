import { rowOfEdges } from '../endpoint-edges.ts';

/** Shortly before a request is given up (10 s). */
const latencyMs = 8_500;
const slowMs = 40_000;
const slow = new Set(['good-1', 'good-2', 'good-3']);

export const endpointsSlow = rowOfEdges(
  {
    id: 'F20',
    title: 'An endpoint of each tenant answers everything after 8.5 s, shortly before it is given up, for 40 s',
    recoveryMsMax: 60_000,
    noDuplicates: true,
    calmRatioMax: 1.2,
  },
  async (scene, edges) => {
    scene.broken(slow);
    edges.set(slow, { kind: 'slow', latencyMs, bytesPerSecond: Infinity });
    await scene.pass(slowMs);
    const failing = scene.stack.dispatchers.some((dispatcher) => scene.said(dispatcher, /endpoint\.failing/));
    scene.promise('slow is not failing', !failing);
    // What is on its way arrives, and is answered.
    edges.set(slow, { kind: 'none' });
    await scene.recovered(scene.mended(), slow);
  },
);
