import { flatMemory } from '../flat-memory.ts';
import { inviteGuest } from '../guest.ts';
import type { Row } from '../row.ts';

const heapMiB = 160;
/** What bodies on their way may take besides: they are bounded by bytes, and are not part of the heap. */
const growthMiBMax = 256;
const bodyBytes = 250_000;
const events = 200;
const drainedMsMax = 60_000;
const diesMsMax = 60_000;
const lookMs = 200;
const leak = {
  file: 'services/dispatcher/src/main.ts',
  find: 'await run(name, async (signal) => {',
  replace:
    'const leak: object[] = []; setInterval(() => leak.push(Array.from({ length: 50_000 }, () => ({}))), 50).unref(); ' +
    'await run(name, async (signal) => {',
};

export const outOfMemory: Row = {
  id: 'F7',
  title: `Dispatchers with a heap of ${heapMiB} MiB are sent many large bodies at once; then one of them leaks, runs out of memory and dies`,
  recoveryMsMax: 20_000,
  envOf: (name) => (name.startsWith('dispatcher-') ? { NODE_OPTIONS: `--max-old-space-size=${heapMiB}` } : {}),
  async inject(scene) {
    const guest = await inviteGuest(
      scene,
      'large',
      ['large-1', 'large-2', 'large-3'].map((path) => ({ path, endpoint: {} })),
    );
    const memory = flatMemory(scene, growthMiBMax);
    await guest.publish(events, Buffer.alloc(bodyBytes, 'a'));
    const all = async () => {
      await scene.pass(lookMs);
      return (await guest.delivered()) === events * guest.customers.length;
    };
    await scene.promiseSoon(`${(events * bodyBytes) / 1e6} MB are delivered three times`, drainedMsMax, all);
    memory.check();

    const leaking = scene.dispatcher(1);
    await leaking.kill('SIGTERM');
    leaking.restart({ plant: leak });
    await scene.ownedByAll(scene.stack.dispatchers);
    const from = scene.broken();
    const dead = async () => {
      await scene.pass(lookMs);
      return !leaking.running;
    };
    await scene.promiseSoon('the one that leaks dies by itself', diesMsMax, dead);
    scene.promise('of its memory', scene.said(leaking, /heap out of memory/));
    await scene.recovered(Math.max(from, Date.now()));
    scene.mended();
    leaking.restart();
    await scene.ownedByAll(scene.stack.dispatchers);
  },
};
