import type { Row } from '../row.ts';

const stoppedMs = 20_000;

export const dispatcherStopped: Row = {
  id: 'F6',
  title: 'A dispatcher is stopped for 20 s (SIGSTOP) and wakes up',
  recoveryMsMax: 15_000,
  calmRatioMax: 1.2,
  async inject(scene) {
    const zombie = scene.dispatcher(1);
    const owned = scene.ownedBy(zombie);
    const at = scene.broken(owned);
    zombie.signal('SIGSTOP');
    await scene.recovered(at, owned);
    scene.mended();
    await scene.pass(Math.max(0, at + stoppedMs - Date.now()));
    const woken = Date.now();
    zombie.signal('SIGCONT');
    await scene.promiseSaid(zombie, /partition\.lost/, 10_000);
    await scene.ownedByAll(scene.stack.dispatchers);
    const claimed = await scene.claimedSince(woken, zombie);
    const sent = await scene.receivedSince(woken, zombie);
    scene.promise(
      'awake it sends nothing before it has claimed anew',
      sent.every((receipt) => receipt.at >= claimed),
    );
  },
};
