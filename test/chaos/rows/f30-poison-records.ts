import { Quarantined } from '@postrider/contract/postrider/v1/dead_letter';
import { QUARANTINED_HEADER, header, type Headers } from '@postrider/kafka';
import type { Row } from '../row.ts';
import type { Scene } from '../scene.ts';

const lastsMs = 12_000;
const everyMs = 1_000;
const quarantinedMsMax = 10_000;

interface Poison {
  readonly value: Buffer;
  readonly headers?: Headers;
}

const binary = (attributes: Readonly<Record<string, string>>): Headers =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, Buffer.from(value)]));
const whole = { ce_specversion: '1.0', ce_id: 'bad', ce_source: '/test/orders', ce_type: 'order.paid' };

/** Records that no event can be made of, each in its own way. */
const poisons: readonly Poison[] = [
  { value: Buffer.from([0xff, 0xfe, 0x00, 0x80]) },
  { value: Buffer.from('{"order": 1'), headers: binary({ 'content-type': 'application/cloudevents+json' }) },
  { value: Buffer.from('{}'), headers: binary({ ...whole, ce_tenant: 'nobody-knows-it' }) },
  { value: Buffer.from('{}'), headers: binary({ ce_specversion: '1.0', ce_id: 'bad', ce_tenant: 'chaos-a' }) },
  { value: Buffer.from('{}'), headers: binary({ ...whole, ce_id: 'x'.repeat(2_000), ce_tenant: 'chaos-a' }) },
  { value: Buffer.alloc(300_000, 'a'), headers: binary({ ...whole, ce_tenant: 'chaos-a' }) },
];

export const poisonRecords: Row = {
  id: 'F30',
  title: 'Among the events are records that no event can be made of, in six ways, on every partition',
  recoveryMsMax: 5_000,
  noDuplicates: true,
  calmRatioMax: 1.1,
  async inject(scene) {
    // Nobody is to notice.
    const from = scene.broken(new Set());
    let written = 0;
    while (Date.now() < from + lastsMs) {
      written += await writePoison(scene, written);
      await scene.pass(everyMs);
    }
    const last = Date.now();
    const all = async () => (await quarantined(scene)).length === written;
    await scene.promiseSoon(`each of them is in quarantine once, with its reason (${written})`, quarantinedMsMax, all);
    const found = await quarantined(scene);
    scene.promise('and nothing else is', found.length === written && found.every(({ detail }) => detail !== ''));
    const reasons = new Set(found.map(({ detail }) => detail));
    scene.promise(`in words of their own (${reasons.size})`, reasons.size >= poisons.length - 1);
    scene.mended();
    await scene.recovered(last);
  },
};

/** One of a kind to each partition. */
async function writePoison({ stack }: Scene, written: number): Promise<number> {
  await using producer = stack.kafka.producer({ name: 'poison' });
  const kind = poisons[(written / stack.partitions) % poisons.length] as Poison;
  const partitions = Array.from({ length: stack.partitions }, (_, partition) => partition);
  const records = partitions.map((partition) => ({ topic: stack.topic('events'), partition, key: null, ...kind }));
  await Promise.all(records.map((record) => producer.send(record)));
  return records.length;
}

async function quarantined({ stack }: Scene): Promise<Quarantined[]> {
  const found: Quarantined[] = [];
  await stack.topicRecords('quarantine', (record) => {
    found.push(Quarantined.decode(header(record, QUARANTINED_HEADER) as Buffer));
  });
  return found;
}
