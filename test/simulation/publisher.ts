import { Delivery, RunKind } from '@postrider/contract/postrider/v1/delivery';
import { DELIVERY_HEADER, header } from '@postrider/kafka';
import type { FakeKafka } from '@postrider/kafka/testing';
import { randomOf } from './random.ts';
import { DELIVERIES_LEAST, HOUR, type EventPlan, type Plan } from './plan.ts';
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
  const leftOut = new Set<string>();
  let resends = 0;
  const isEnough = createEnough(referee);
  return {
    /** Events that were not needed any more. */
    leftOut: leftOut as ReadonlySet<string>,
    publish(event: EventPlan): void {
      const { id, tenant, type, subject, broken } = event;
      if (isEnough(event)) return void leftOut.add(id);
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

/** Whether a spare event can be left out: there are deliveries enough, or they are sure to follow. */
function createEnough({ cases }: Pick<Referee, 'cases'>): (event: EventPlan) => boolean {
  let least = 0;
  return ({ spare = false, sure = 0 }) => {
    if (!spare) return false;
    least = Math.max(least, cases.size);
    if (least >= DELIVERIES_LEAST) return true;
    least += sure;
    return false;
  };
}
