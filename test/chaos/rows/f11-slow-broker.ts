import { flatMemory } from '../flat-memory.ts';
import type { Row } from '../row.ts';

const slowMs = 40_000;

export const slowBroker: Row = {
  id: 'F11',
  title: 'Kafka is slow for 40 s: 500 ms more per answer, 64 kB/s per connection',
  recoveryMsMax: 10_000,
  noDuplicates: true,
  async inject(scene) {
    const memory = flatMemory(scene);
    scene.broken();
    for (const edge of scene.edges) edge.set({ kind: 'slow', latencyMs: 500, bytesPerSecond: 64_000 });
    await scene.pass(slowMs);
    memory.check();
    for (const edge of scene.edges) edge.set({ kind: 'none' });
    await scene.recovered(scene.mended());
    scene.promise('no partition changed its owner', scene.watch.interruptions.length === 0);
  },
};
