import { retryTiers } from '@postrider/kafka';
import { alterTopics } from '../../support/alter-topic.ts';
import type { Row } from '../row.ts';

const unwritableMs = 25_000;

export const tiersUnwritable: Row = {
  id: 'F31',
  title: 'Retry tiers and dead letters cannot be written for 25 s: too few brokers hold them',
  brokers: 3,
  recoveryMsMax: 15_000,
  async inject(scene) {
    const [first, , third] = scene.kafka.brokers;
    const address = first?.address ?? '';
    const topics = [...retryTiers, 'dead-letters' as const].map((id) => scene.stack.topic(id));
    // With two of three brokers everything else can be written.
    await third?.stop();
    await scene.recovered(Date.now());
    const from = scene.broken();
    await alterTopics(address, topics, ['min.insync.replicas', '3']);
    await scene.promiseSaid(scene.dispatcher(1), /retry\.1m\/\d+ cannot be written/, unwritableMs);
    await scene.pass(Math.max(0, from + unwritableMs - Date.now()));
    await alterTopics(address, topics, ['min.insync.replicas', '2']);
    await scene.recovered(scene.mended());
    await third?.start();
  },
};
