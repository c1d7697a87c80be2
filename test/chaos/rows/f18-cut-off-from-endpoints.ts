import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { rowOfEdges } from '../endpoint-edges.ts';
import type { Scene } from '../scene.ts';

const cutMs = 40_000;
/** Nothing is answered for the longest time that an answer may take, and then it is judged. */
const noticedMsMax = 25_000;
/** What ended in the moment of the judgement is on record a little later. */
const settledMs = 500;

/** Attempts on record that count against their endpoints because nobody answered. */
async function failuresCounted({ stack }: Scene): Promise<number> {
  let count = 0;
  await stack.topicRecords('attempts', ({ value }) => {
    const { outcome, number } = Attempt.decode(value ?? Buffer.alloc(0));
    if (number > 0 && (outcome === Outcome.UNREACHABLE || outcome === Outcome.TIMED_OUT)) count += 1;
  });
  return count;
}

export const cutOffFromEndpoints = rowOfEdges(
  {
    id: 'F18',
    title: 'The only dispatcher is cut off from all endpoints for 40 s, but not from Kafka',
    recoveryMsMax: 60_000,
    noDuplicates: true,
  },
  async (scene, edges) => {
    const lonely = scene.dispatcher(1);
    for (const other of [scene.dispatcher(2), scene.dispatcher(3)]) await other.kill('SIGTERM');
    await scene.ownedByAll([lonely]);
    await scene.pass(noticedMsMax / 5);
    const from = scene.broken();
    edges.set(edges.paths, { kind: 'unheard' });
    await scene.promiseSaid(lonely, /egress\.cut-off/, noticedMsMax);
    await scene.pass(settledMs);
    const usedBefore = await failuresCounted(scene);
    scene.promise('it is not ready meanwhile', !(await fetch(`${lonely.healthUrl}/readyz`)).ok);
    await scene.pass(Math.max(0, from + cutMs - Date.now()));
    const used = (await failuresCounted(scene)) - usedBefore;
    scene.promise('no attempt is used while it is cut off', used === 0);
    scene.promise('no breaker opens', !scene.said(lonely, /endpoint\.failing/));
    edges.mend(edges.paths);
    await scene.recovered(scene.mended());
    await scene.promiseSoon('and ready again', 10_000, async () => (await fetch(`${lonely.healthUrl}/readyz`)).ok);
    for (const other of [scene.dispatcher(2), scene.dispatcher(3)]) other.restart();
    await scene.ownedByAll(scene.stack.dispatchers);
  },
);
