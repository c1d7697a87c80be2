import type { Row } from '../row.ts';

/** A broker that came back has caught up after this long. */
const catchUpMs = 5_000;

export const brokersRolled: Row = {
  id: 'F10',
  title: 'Three brokers are restarted (SIGTERM), one after the other',
  brokers: 3,
  recoveryMsMax: 15_000,
  async inject(scene) {
    for (const broker of scene.kafka.brokers) {
      const from = scene.broken();
      await broker.stop();
      await scene.recovered(from);
      await broker.start();
      await scene.recovered(Date.now());
      await scene.pass(catchUpMs);
    }
    scene.mended();
  },
};
