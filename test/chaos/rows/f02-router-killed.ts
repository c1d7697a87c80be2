import type { Row } from '../row.ts';

const kills = 3;

export const routerKilled: Row = {
  id: 'F2',
  title: 'A router is killed (SIGKILL) and started again, three times',
  recoveryMsMax: 15_000,
  noDuplicates: true,
  async inject(scene) {
    const { routers } = scene.stack;
    for (let kill = 0; kill < kills; kill++) {
      const victim = routers[kill % routers.length] as (typeof routers)[number];
      scene.broken();
      const at = await victim.kill('SIGKILL');
      victim.restart();
      await scene.recovered(at);
      await victim.ready();
      await scene.pass(3_000);
    }
    scene.mended();
    scene.promise('no partition changed its owner', scene.watch.interruptions.length === 0);
  },
};
