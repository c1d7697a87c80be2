import { Delivery, RunKind } from '@postrider/contract/postrider/v1/delivery';
import { DELIVERY_HEADER, header } from '@postrider/kafka';
import type { FakeKafka } from '@postrider/kafka/testing';
import { randomOf } from './random.ts';
import { HOUR, type EventPlan, type Plan } from './plan.ts';
import type { Referee } from './referee/referee.ts';

/** What customers do: publish events, and ask for dead deliveries to be sent again. */
export function createPublisher({
  plan,
  kafka,
  referee,
}: {
  readonly plan: Plan;
  readonly kafka: FakeKafka;
  readonly referee: Referee;
}) {
  const random = randomOf(plan.seed, 'publisher');
  let resends = 0;
  return {
    publish({ id, tenant, type, subject, broken }: EventPlan): void {
      const attributes: Record<string, string> = {
        ce_specversion: '1.0',
        ce_id: id,
        ce_source: '/simulation',
        ce_type: type,
        ce_subject: subject,
        ce_tenant: tenant,
        'content-type': 'application/json',
      };
      if (broken) delete attributes['ce_id'];
      const headers = Object.fromEntries(Object.entries(attributes).map(([name, text]) => [name, Buffer.from(text)]));
      const partition = random.int(0, plan.partitions - 1);
      kafka.append('postrider.events', partition, { key: null, value: Buffer.from(`{"id":"${id}"}`), headers });
    },
    /** As the control plane does it: a dead delivery again, as a run of its own, on the bulk topic. */
    resend(now: number): void {
      const dead = [...referee.cases.values()].filter(
        (one) => one.ending === 'dead' && one.key === one.deliveryId && !referee.unfinished(one),
      );
      if (dead.length === 0) return;
      const one = random.pick(dead);
      const record = kafka
        .records('postrider.deliveries', one.partition)
        .find(({ offset }) => offset === one.places[0]?.offset);
      if (record === undefined || referee.resent.has(one.deliveryId)) return;
      referee.resent.add(one.deliveryId);
      const delivery = Delivery.decode(header(record, DELIVERY_HEADER) ?? Buffer.alloc(0));
      const run = { kind: RunKind.RESEND, id: `rs_${resends++}` };
      const again = { ...delivery, run, firstSeen: new Date(now), expiresAt: new Date(now + 12 * HOUR), attempt: 0 };
      const headers = { [DELIVERY_HEADER]: Buffer.from(Delivery.encode(again).finish()) };
      const append = (): void =>
        void kafka.append('postrider.deliveries.bulk', one.partition, {
          key: record.key,
          value: record.value,
          headers,
        });
      append();
      if (plan.resendAgainMs !== undefined) kafka.clock.after(plan.resendAgainMs, append);
    },
    /** As a router does that was away for long: what stands first on `deliveries` stands there once more. */
    repeat(): void {
      const [first] = kafka.records('postrider.deliveries', 0);
      if (first === undefined) return;
      const { key, value, headers } = first;
      kafka.append('postrider.deliveries', 0, { key, value, headers });
    },
  };
}
