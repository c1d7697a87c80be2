import type { Row } from '../row.ts';

export const dispatcherKilled: Row = {
  id: 'F1',
  title: 'A dispatcher is killed (SIGKILL) and started again, three times',
  recoveryMsMax: 15_000,
  calmRatioMax: 1.2,
  async inject(scene) {
    for (let kill = 1; kill <= 3; kill++) {
      const victim = scene.dispatcher(kill);
      const owned = scene.ownedBy(victim);
      scene.broken(owned);
      const at = await victim.kill('SIGKILL');
      await scene.recovered(at, owned);
      scene.mended();
      victim.restart();
      await scene.ownedByAll(scene.stack.dispatchers);
      await scene.pass(3_000);
    }
  },
};
