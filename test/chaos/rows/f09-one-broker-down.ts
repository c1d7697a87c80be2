import type { Row } from '../row.ts';

const downMs = 40_000;

export const oneBrokerDown: Row = {
  id: 'F9',
  title: 'One of three brokers is killed (SIGKILL) and away for 40 s',
  brokers: 3,
  recoveryMsMax: 15_000,
  async inject(scene) {
    const broker = scene.kafka.brokers[1];
    const from = scene.broken();
    await broker?.kill('SIGKILL');
    await scene.recovered(from);
    await scene.pass(Math.max(0, from + downMs - Date.now()));
    await broker?.start();
    await scene.recovered(scene.mended());
  },
};
