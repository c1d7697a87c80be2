/** A writer of `config` by itself, on the in-memory Kafka: a leader without an API. */
import { randomBytes } from 'node:crypto';
import { startConfigView } from '@postrider/config-view';
import { recordingLogger } from '@postrider/runtime';
import { openAuditChain } from '../src/audit/chain.ts';
import { openConfigWriter } from '../src/config-writer.ts';
import { AUDIT_TOPIC, CONFIG_TOPIC } from './harness.ts';
import type { FakeKafka } from '@postrider/kafka/testing';

/** Becomes the writer, as a new process of this name; makes the topics if there are none. */
export async function openTestWriter(kafka: FakeKafka, processId = 'writer') {
  const losses: string[] = [];
  const port = kafka.connect(processId);
  await port.admin.createTopics(
    [CONFIG_TOPIC, AUDIT_TOPIC].map((name) => ({ name, partitions: 1, replicationFactor: 1, config: {} })),
  );
  const log = recordingLogger();
  const common = { kafka: port, topic: CONFIG_TOPIC, clock: port.clock, log };
  await using stack = new AsyncDisposableStack();
  stack.use(port);
  const view = stack.use(await startConfigView(common));
  const audit = { kafka: port, topic: AUDIT_TOPIC, noted: undefined, onLoss: (why: string) => losses.push(why) };
  const openAudit = () => openAuditChain(audit);
  const own = { view, processId, address: '', random: randomBytes, mayWrite: () => true, openAudit };
  const writer = stack.use(await openConfigWriter({ ...common, ...own, inspect: async () => '0' }));
  const owned = stack.move();
  return { kafka, port, view, writer, losses, log, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
