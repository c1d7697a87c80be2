import { join } from 'node:path';
import { mountSmallDisk } from '../small-disk.ts';
import type { Row } from '../row.ts';

const fullMs = 15_000;
/** More than a broker asks for at its start. */
const diskMiB = 768;

export const diskFull: Row = {
  id: 'F13',
  title: 'The disk of Kafka is full, Kafka stops itself, and gets space again',
  recoveryMsMax: 15_000,
  async prepare(undo) {
    const disk = await mountSmallDisk(diskMiB);
    if (disk === null) return { skip: 'this process may not mount a file system' };
    undo.use(disk);
    return {
      kafka: { dataDir: join(disk.path, 'kafka') },
      async inject(scene) {
        const [broker] = scene.kafka.brokers;
        const from = scene.broken();
        await disk.fill();
        await scene.promiseSoon('Kafka stopped itself', 60_000, () => broker?.pid === undefined);
        await scene.promiseSaid(scene.dispatcher(1), /Kafka cannot be reached/, 30_000);
        await scene.pass(Math.max(0, from + fullMs - Date.now()));
        await disk.free();
        await broker?.start();
        await scene.recovered(scene.mended());
      },
    };
  },
};
