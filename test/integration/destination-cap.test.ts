/**
 * Two dispatchers as processes of their own share one rate of a destination through a real Redis, on a real Kafka, until that
 * Redis is gone. What may be observed: the receiver's receipts, with who sent them, when, and for which tenant.
 */
// test-timeout: 240 s
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCustomers, plainType, type CustomerPlan } from '../support/customers.ts';
import { sharedKafka } from '../support/kafka.ts';
import { numberedEvent, publishEvents } from '../support/publish-events.ts';
import type { Receipt } from '../support/receipt.ts';
import { startReceiver } from '../support/receiver.ts';
import { startRedis } from '../support/redis.ts';
import { startStack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const perSecond = 40;
/** So many that each dispatcher owns some, wherever their ids lead. */
const bigEndpoints = 24;
const bigEvents = 16;
const smallEvents = 250;
const all = bigEndpoints * bigEvents + smallEvents;
/** A turn may be used up to a second after it was given, and a tenth of the rate may start at once in each process. */
const atOnce = perSecond + 2 * Math.ceil(perSecond / 10);

const plan = (path: string): CustomerPlan => ({
  ...{ path, behaviour: { kind: 'answer', status: 200 }, endpoint: {}, eventTypes: [plainType] },
  ...{ ending: 'delivered', attempts: 1 },
});
const tenantOf = ({ path }: Receipt): string => path.replace(/-.*/, '');

/** How many a second receipts came, but for what may come at once; and the small tenant's part of them. */
function measure(receipts: readonly Receipt[]): {
  readonly seconds: number;
  readonly most: number;
  readonly small: number;
} {
  const times = receipts.map(({ at }) => at);
  const seconds = (Math.max(...times) - Math.min(...times)) / 1_000;
  const small = receipts.filter((one) => tenantOf(one) === 'small').length / receipts.length;
  return { seconds, most: perSecond * seconds + atOnce, small };
}

test('two dispatchers on one Redis keep the rate in sum and give each tenant its part; without it they still keep the rate', async (context) => {
  await using receiver = await startReceiver();
  await using redis = await startRedis();
  const cap = {
    POSTRIDER_REDIS_URL: redis.url,
    POSTRIDER_DESTINATION_RATE_MAX: String(perSecond),
    POSTRIDER_CONCURRENCY_START: '16',
  };
  await using stack = await startStack({
    ...{ kafka: await sharedKafka(), partitions: 4, dispatchers: 2 },
    envOf: (name): Record<string, string> => (name.startsWith('dispatcher') ? cap : {}),
  });
  const big = Array.from({ length: bigEndpoints }, (_, index) => plan(`big-${index}`));
  await createCustomers(stack, receiver, 'big', big);
  await createCustomers(stack, receiver, 'small', [plan('small')]);
  const events = (tenant: string, count: number) =>
    Array.from({ length: count }, (_, number) => numberedEvent(tenant, plainType, number));
  await publishEvents(stack, [...events('big', bigEvents), ...events('small', smallEvents)]);

  const received = (count: number) =>
    waitFor(async () => (await receiver.count()) >= count, { what: `${count} requests`, timeoutMs: 90_000 });
  await received(300);
  const shared = await receiver.receipts();
  await redis.kill();
  await received(shared.length + 200);
  const alone = (await receiver.receipts()).slice(shared.length);
  await received(all);
  const together = measure(shared);
  const apart = measure(alone);
  const agents = new Set(shared.map(({ agent }) => agent));
  context.diagnostic(
    `with Redis ${shared.length} in ${together.seconds} s, ${together.small} of them the small tenant’s; without ${alone.length} in ${apart.seconds} s`,
  );
  assert.equal(agents.size, 2, [...agents].join());
  assert.ok(shared.length <= together.most, `${shared.length} in ${together.seconds} s`);
  assert.ok(shared.length >= perSecond * together.seconds * 0.5, `${shared.length} in ${together.seconds} s`);
  assert.ok(together.small > 0.4 && together.small < 0.6, `${together.small}`);
  assert.ok(alone.length <= apart.most, `${alone.length} in ${apart.seconds} s`);
  const receipts = await receiver.receipts();
  assert.equal(new Set(receipts.map(({ path, webhookId }) => `${path} ${webhookId}`)).size, all);
  assert.equal(receipts.length, all, 'nothing was sent twice for having waited');
});
