import type { Row } from '../row.ts';

const everyMs = 5_000;
const changes = 12;
/** Of the deliveries per second before the storm. */
const throughputMin = 0.5;

export const rebalanceStorm: Row = {
  id: 'F24',
  title: 'For 60 s a dispatcher leaves or joins every 5 s, killed and told to stop in turn',
  recoveryMsMax: 20_000,
  async inject(scene) {
    const calmMs = everyMs;
    const before = (await scene.receivedSince(Date.now() - calmMs)).length / calmMs;
    const from = scene.broken();
    for (let change = 0; change < changes; change++) {
      const next = Date.now() + everyMs;
      // Every change is one of a dispatcher: out, and 5 s later in again, while the next is on its way out.
      const victim = scene.dispatcher(2 + (Math.floor(change / 2) % 2));
      if (change % 2 === 0) await victim.kill(change % 4 === 0 ? 'SIGKILL' : 'SIGTERM');
      else victim.restart();
      await scene.pass(Math.max(0, next - Date.now()));
    }
    const mended = scene.mended();
    const during = (await scene.receivedSince(from)).length / (mended - from);
    const share = Math.round((during / before) * 100);
    scene.promise(`at least half of all deliveries went on meanwhile (${share} %)`, during >= before * throughputMin);
    await scene.recovered(mended);
    await scene.ownedByAll(scene.stack.dispatchers);
  },
};
