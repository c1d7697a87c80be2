import { readDelivery } from '@postrider/core';
import { DELIVERY_HEADER, header, type TopicPartitionOffset } from '@postrider/kafka';
import { waitFor } from '../../support/wait-for.ts';
import type { Row } from '../row.ts';
import type { Scene } from '../scene.ts';

const awayMs = 6_000;

/** Deletes the older half of what is not done yet of `deliveries`, and excuses it. */
async function truncate(scene: Scene): Promise<number> {
  const { stack } = scene;
  const topic = stack.topic('deliveries');
  const ranges = await stack.kafka.admin.offsets(topic);
  const cuts = ranges.map(({ partition, high }): TopicPartitionOffset => {
    const watermark = scene.watch.watermark('deliveries', partition);
    return { topic, partition, offset: Math.ceil((watermark + high) / 2) };
  });
  await stack.topicRecords('deliveries', (record) => {
    const cut = cuts[record.partition]?.offset ?? 0;
    if (record.offset < scene.watch.watermark('deliveries', record.partition) || record.offset >= cut) return;
    scene.excused.add(readDelivery(header(record, DELIVERY_HEADER) as Buffer).deliveryId);
  });
  await stack.kafka.admin.deleteRecords(cuts);
  return scene.excused.size;
}

export const truncated: Row = {
  id: 'F25',
  title: 'Unread deliveries are deleted under the dispatchers while none of them runs',
  recoveryMsMax: 30_000,
  async inject(scene) {
    const { dispatchers } = scene.stack;
    scene.broken();
    for (const dispatcher of dispatchers) await dispatcher.kill('SIGKILL');
    await scene.pass(awayMs);
    const deleted = await truncate(scene);
    scene.promise(`unread deliveries were deleted (${deleted})`, deleted > 0);
    for (const dispatcher of dispatchers) dispatcher.restart();
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.ready()));
    await scene.recovered(scene.mended());
    const alarm = /unread records are gone/;
    await waitFor(() => dispatchers.some((dispatcher) => scene.said(dispatcher, alarm)), { what: 'an alarm' }).then(
      () => scene.promise(`a dispatcher says “${alarm.source}”`, true),
      () => scene.promise(`a dispatcher says “${alarm.source}”`, false),
    );
  },
};
