import { fork } from 'node:child_process';
import { join } from 'node:path';
import { uniqueName } from '../../support/resources.ts';
import { askChild } from '../ask-child.ts';
import { createBenchTopics } from '../bench-topics.ts';
import { PARTITIONS, type LoadTarget } from './rig.ts';
import { startTimedSink } from './timed-sink.ts';
import type { Stage } from './stage.ts';

/** Starts the bare chain, produce → consume → produce → consume → POST: what latency is compared with. */
export async function startBareChain(stage: Stage, endpoints: number): Promise<LoadTarget & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const topicPrefix = `${uniqueName('bare')}.`;
  await createBenchTopics(stage.port, topicPrefix, PARTITIONS);
  const sink = stack.use(await startTimedSink());
  const start = async (part: 'forward' | 'post'): Promise<{ readonly pid: number }> => {
    const args = [part, stage.bootstrapServers.join(','), topicPrefix, String(sink.port)];
    const child = fork(join(import.meta.dirname, 'bare-chain-process.ts'), args);
    const asked = askChild(child, `bare chain (${part})`);
    stack.defer(() => asked.close());
    await asked.first();
    return { pid: child.pid ?? -1 };
  };
  const dispatchers = [await start('post')];
  const router = await start('forward');
  const owned = stack.move();
  return {
    ...{ stage, topicPrefix, sink, dispatchers, router, writes: 'events', partitions: PARTITIONS },
    endpoints: Array.from({ length: endpoints }, () => ({ uid: '', tenant: 'bare', revision: '' })),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
