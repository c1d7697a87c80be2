import { limits } from '@postrider/core';
import type { Row } from '../row.ts';

const cutMs = 25_000;
/** Requests that were handed to the network before the fence closed may take this long to be received. */
const underWayMs = 300;

export const dispatcherCutOff: Row = {
  id: 'F17',
  title: 'A dispatcher is cut off from Kafka for 25 s, but not from endpoints',
  recoveryMsMax: 15_000,
  calmRatioMax: 1.2,
  async inject(scene) {
    const lonely = scene.dispatcher(1);
    const owned = scene.ownedBy(lonely);
    const from = scene.broken(owned);
    scene.edge(lonely).set({ kind: 'blackhole' });
    await scene.recovered(from, owned);
    scene.mended();
    await scene.pass(Math.max(0, from + cutMs - Date.now()));
    const silentFrom = from + scene.sessionTimeoutMs * limits.fenceFraction + underWayMs;
    const sent = await scene.receivedSince(silentFrom, lonely);
    scene.promise('it sends nothing once 80 % of its session have passed without an answer', sent.length === 0);
    const mended = Date.now();
    scene.edge(lonely).set({ kind: 'none' });
    const claimed = await scene.claimedSince(mended, lonely);
    const early = (await scene.receivedSince(mended, lonely)).filter(({ at }) => at < claimed);
    scene.promise('connected again it sends nothing before it has claimed anew', early.length === 0);
    await scene.ownedByAll(scene.stack.dispatchers);
  },
};
