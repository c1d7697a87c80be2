/**
 * Control plane, router and dispatcher as real processes on a real broker that is away when they start, and is killed in
 * the middle of their work. Observed: their logs, and the endings of all deliveries.
 */
// test-timeout: 240 s
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startKafka, type LocalKafka } from '../../deploy/local/index.ts';
import { checkDeliveries } from '../support/check-deliveries.ts';
import { createCustomers, plainType, twentyCustomers } from '../support/customers.ts';
import { expectations, numberedEvent, publishEvents } from '../support/publish-events.ts';
import { startReceiver } from '../support/receiver.ts';
import { resultsSeen } from '../support/results-seen.ts';
import { watchStack } from '../support/stack-watch.ts';
import { startStack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const tenant = 'away';
const eventCount = 400;

let kafka: LocalKafka;
before(async () => {
  kafka = await startKafka({ brokers: 1 });
});
after(() => kafka[Symbol.asyncDispose]());

test('services wait for a Kafka that is away at their start, say so, and go on by themselves when it is lost and returns', async () => {
  const [broker] = kafka.brokers;
  assert.ok(broker !== undefined);
  await broker.stop();
  await using stack = await startStack({
    kafka,
    whileStarting: async (services) => {
      await waitFor(() => services.every(({ log }) => /wait(s|ing) for Kafka/.test(log)), {
        what: 'every service to say that it waits for Kafka',
        timeoutMs: 60_000,
      });
      await broker.start();
    },
  });

  await using receiver = await startReceiver();
  const customers = await createCustomers(stack, receiver, tenant, twentyCustomers);
  await using watch = await watchStack(stack);
  const events = Array.from({ length: eventCount }, (_, number) => numberedEvent(tenant, plainType, number));
  const expected = expectations(stack, events, customers);
  const published = publishEvents(stack, events);
  await waitFor(async () => (await receiver.count()) > expected.length / 10, {
    what: 'a tenth of the requests',
    timeoutMs: 60_000,
  });
  await broker.kill();
  await broker.start();
  await published;
  await waitFor(() => watch.quiet(expected.length), { what: 'every delivery to end', timeoutMs: 120_000 });

  const receipts = await receiver.receipts();
  const { attempts, deadLetters } = await resultsSeen(stack, watch, expected);
  const verdict = checkDeliveries({ expected, receipts, deadLetters, attempts, kills: [], slackMs: 500 });
  assert.equal(verdict.lost, 0);
  // No process of ours was killed: what is repeated was in flight while the session, or an acknowledgement, was lost.
  assert.deepEqual(
    verdict.problems.filter((problem) => !problem.startsWith('duplicate')),
    [],
  );
});
