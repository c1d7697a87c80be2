import type { Row } from '../row.ts';
import { flatMemory } from '../flat-memory.ts';

const downMs = 40_000;

export const allBrokersDown: Row = {
  id: 'F8',
  title: 'Kafka is killed (SIGKILL) and away for 40 s',
  recoveryMsMax: 15_000,
  async inject(scene) {
    const [broker] = scene.kafka.brokers;
    const memory = flatMemory(scene);
    scene.broken();
    await broker?.kill('SIGKILL');
    await scene.pass(downMs);
    memory.check();
    await broker?.start();
    await scene.recovered(scene.mended());
  },
};
