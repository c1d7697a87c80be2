import { createCustomers, type Customer, type CustomerPlan } from '../support/customers.ts';
import { numberedEvent, publishEvents, type TestEvent } from '../support/publish-events.ts';
import type { Scene } from './scene.ts';

/** A tenant that a row invites for itself: what it is sent must end as everything else must. */
export interface Guest {
  readonly tenant: string;
  readonly customers: readonly Customer[];
  readonly events: readonly TestEvent[];
  /** Publishes so many at once; resolves when Kafka has accepted them. `body` instead of the usual one. */
  publish(count: number, body?: Buffer): Promise<void>;
  /** Publishes so many at a steady rate. */
  publishSteadily(count: number, perSecond: number): Promise<void>;
  /** How many different deliveries have arrived so far. */
  delivered(): Promise<number>;
}

/** Numbers that no event of the load has. */
const FIRST_EVENT = 10_000_000;
const EVERY_MS = 100;
const EVENT_TYPE = 'order.paid';

/** Creates a tenant with these endpoints, which are well: each wants everything that is published for it. */
export async function inviteGuest(
  scene: Scene,
  tenant: string,
  plans: readonly Pick<CustomerPlan, 'path' | 'endpoint'>[],
): Promise<Guest> {
  const customers = await createCustomers(
    scene.stack,
    scene.parts.receiver,
    tenant,
    plans.map((plan) => ({
      ...{ ...plan, behaviour: { kind: 'answer', status: 200 }, eventTypes: [EVENT_TYPE] },
      ...{ ending: 'delivered', attempts: 1 },
    })),
  );
  const paths = new Set(customers.map(({ path }) => path));
  const events: TestEvent[] = [];
  const guest: Guest = {
    ...{ tenant, customers, events },
    async publish(count, body) {
      const numbers = Array.from({ length: count }, (_, index) => FIRST_EVENT + events.length + index);
      const more = numbers.map((number) => ({
        ...numberedEvent(tenant, EVENT_TYPE, number),
        ...(body !== undefined && { body }),
      }));
      events.push(...more);
      await publishEvents(scene.stack, more);
    },
    async publishSteadily(count, perSecond) {
      const from = performance.now();
      for (let published = 0; published < count;) {
        const due = Math.min(count, Math.floor(((performance.now() - from) / 1_000) * perSecond));
        await guest.publish(due - published);
        published = due;
        await scene.pass(EVERY_MS);
      }
    },
    async delivered() {
      const mine = (await scene.receivedSince(0)).filter(({ path }) => paths.has(path));
      return new Set(mine.map(({ path, webhookId }) => `${path} ${webhookId}`)).size;
    },
  };
  scene.guests.push(guest);
  return guest;
}
