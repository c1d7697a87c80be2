import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Evidence } from '../support/check-deliveries.ts';
import type { Scene } from './scene.ts';

interface Traces {
  readonly scene: Scene;
  readonly evidence: Evidence;
  readonly problems: readonly string[];
}

const folder = join(import.meta.dirname, '../../.cache/chaos');

/** Keeps for a person what the processes of a red row said, and all that was seen of the deliveries that its problems name. */
export async function keepTraces(id: string, { scene, evidence, problems }: Traces): Promise<void> {
  const own = join(folder, id);
  await rm(own, { recursive: true, force: true });
  await mkdir(own, { recursive: true });
  for (const { name, log } of scene.services) await writeFile(join(own, `${name}.log`), log);
  const named = new Set(problems.flatMap((problem) => problem.match(/\b(?:msg|dlv)_[a-zA-Z0-9]+/g) ?? []));
  const { expected, receipts, attempts, kills } = evidence;
  const deliveries = expected
    .filter(({ webhookId, deliveryId }) => named.has(webhookId) || named.has(deliveryId))
    .map((expectation) => ({
      ...expectation,
      receipts: receipts.filter(
        ({ path, webhookId }) => path === expectation.path && webhookId === expectation.webhookId,
      ),
      attempts: attempts.filter(({ deliveryId }) => deliveryId === expectation.deliveryId),
      kills: kills.flatMap(({ at, uncoveredSince }) => {
        const since = uncoveredSince.get(expectation.partition);
        return since === undefined ? [] : [{ at, since }];
      }),
    }));
  await writeFile(join(own, 'problems.json'), `${JSON.stringify({ problems, deliveries }, null, 2)}\n`);
}
