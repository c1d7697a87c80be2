import type { Row } from '../row.ts';

export const rollingRestart: Row = {
  id: 'F4',
  title: 'Every process is restarted, one after the other (SIGTERM)',
  recoveryMsMax: 5_000,
  noDuplicates: true,
  async inject(scene) {
    const { controlPlane, routers, dispatchers } = scene.stack;
    for (const service of [...routers, ...dispatchers, controlPlane]) {
      scene.broken();
      const at = await service.kill('SIGTERM');
      service.restart();
      await scene.recovered(at);
      await service.ready();
    }
    scene.mended();
    await scene.ownedByAll(dispatchers);
    scene.promise('every partition was released before it was claimed', scene.watch.interruptions.length === 0);
  },
};
