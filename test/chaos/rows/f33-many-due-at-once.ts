import { inviteGuest, type Guest } from '../guest.ts';
import type { Row } from '../row.ts';
import type { Scene } from '../scene.ts';

const events = 25_000;
const eventsPerSecond = 500;
/**
 * Of each endpoint: starts in a second. All together are less than two cores take that also run the broker, who publishes and who
 * receives: what is measured is the limit and what others feel of it, and not the end of the machine.
 */
const rate = 300;
/** What a second may have more: a tenth at once, and the second's edges. */
const rateMost = rate * 1.25;
const endpoints = ['herd-1', 'herd-2', 'herd-3', 'herd-4'];
const deliveries = events * endpoints.length;
const waitingMsMax = 180_000;
const lookMs = 500;
const drainedMsMax = 120_000;

export const manyDueAtOnce: Row = {
  id: 'F33',
  title: `${deliveries.toLocaleString('en')} deliveries of a paused tenant may start at the same moment`,
  recoveryMsMax: 5_000,
  noDuplicates: true,
  calmRatioMax: 1.2,
  async inject(scene) {
    const limits = { rateCount: rate, ratePeriod: { seconds: 1n, nanos: 0 } };
    const guest = await inviteGuest(
      scene,
      'herd',
      endpoints.map((path) => ({ path, endpoint: { limits } })),
    );
    const { rpc } = scene.stack;
    const name = 'tenants/herd';
    const reason = 'so that everything waits';
    await rpc.call(rpc.pauses, rpc.pauses.pauseDeliveries, { name, reason, expireTime: undefined });
    // From here on: to put all of it must not be felt either.
    const from = scene.broken(new Set());
    await guest.publishSteadily(events, eventsPerSecond);
    const waits = async () => (await waiting(scene)) >= deliveries;
    await scene.promiseSoon('all of it waits in retry tiers', waitingMsMax, waits);
    scene.promise('and nothing of it was sent', (await guest.delivered()) === 0);
    await rpc.call(rpc.pauses, rpc.pauses.resumeDeliveries, { name });
    const all = async () => {
      await scene.pass(lookMs);
      return (await guest.delivered()) === deliveries;
    };
    await scene.promiseSoon(`all of it is delivered within ${drainedMsMax / 1_000} s`, drainedMsMax, all);
    scene.mended();
    const most = await mostInASecond(scene, guest);
    scene.promise(`no endpoint was sent more than ${rateMost} in a second (${most})`, most <= rateMost);
    await scene.recovered(from);
  },
};

/** Rows of all dispatchers, as their metrics say. */
async function waiting({ stack }: Scene): Promise<number> {
  let sum = 0;
  for (const { healthUrl } of stack.dispatchers) {
    const text = await (await fetch(`${healthUrl}/metrics`)).text();
    sum += Number(/^postrider_waiting_deliveries(?:\{.*\})? (\d+)/m.exec(text)?.[1] ?? 0);
  }
  return sum;
}

async function mostInASecond(scene: Scene, guest: Guest): Promise<number> {
  const counts = new Map<string, number>();
  for (const { path, at } of await scene.receivedSince(0)) {
    if (!guest.customers.some((customer) => customer.path === path)) continue;
    const second = `${path} ${Math.floor(at / 1_000)}`;
    counts.set(second, (counts.get(second) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}
