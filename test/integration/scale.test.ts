/**
 * Dispatchers are added, removed and rolled under load on a real Kafka, and one is killed while another joins. The endings
 * of all deliveries are compared with the rules: nothing lost, nothing sent twice but what the kill explains, nothing early.
 *
 * Twenty endpoints: most are well, one is slow, one fails the first time, two fail always, one hangs for a second. One round
 * is run; `TEST_SCALE_ROUNDS=10` asks for more of them.
 */
// test-timeout: 2400 s
// test-alone: sessions of seconds are at stake
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import type { LocalKafka } from '../../deploy/local/index.ts';
import { checkDeliveries, type Evidence } from '../support/check-deliveries.ts';
import { createCustomers, plainType, twentyCustomers, wantedByAllType } from '../support/customers.ts';
import { startKafka } from '../support/kafka.ts';
import { startLoad } from '../support/load.ts';
import { expectations } from '../support/publish-events.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { resultsSeen } from '../support/results-seen.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { watchStack, type StackWatch } from '../support/stack-watch.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const rounds = Number(process.env['TEST_SCALE_ROUNDS'] ?? 1);
const tenant = 'scale';
const eventsPerSecond = 20;
const slackMs = 500;

interface World {
  readonly stack: Stack;
  readonly watch: StackWatch;
  /** Resolves when the receivers have seen so many further requests. */
  requests(further: number): Promise<void>;
  /** Dispatchers that run, the oldest first. */
  readonly running: ServiceProcess[];
  add(): Promise<void>;
  /** Stops the oldest, as Kubernetes does. */
  removeOldest(): Promise<void>;
  /** Kills the oldest and starts another at once. */
  killOldest(): Promise<void>;
}

let kafka: LocalKafka;
before(async () => {
  kafka = await startKafka({ brokers: 1 });
});
after(() => kafka[Symbol.asyncDispose]());

/** Publishes while `changes` are made, waits until everything has ended, and tells what was seen. */
async function underLoad(
  sessionTimeoutMs: number,
  changes: (world: World) => Promise<void>,
): Promise<{ evidence: Evidence; log: string }> {
  await using receiver = await startReceiver();
  await using stack = await startStack({ kafka, sessionTimeoutMs, logLevel: 'info' });
  const customers = await createCustomers(stack, receiver, tenant, twentyCustomers);
  await using watch = await watchStack(stack);
  const type = (number: number) => (number % 50 === 0 ? wantedByAllType : plainType);
  await using load = startLoad(stack, { tenants: [tenant], eventsPerSecond, type });
  const killedAt: number[] = [];
  const all = [stack.dispatcher];
  await changes(worldOf({ stack, watch, receiver, all, killedAt }));
  const expected = expectations(stack, await load.stop(), customers);
  await waitFor(() => watch.quiet(expected.length), { what: 'every delivery to end', timeoutMs: 300_000 });
  const receipts = await receiver.receipts();
  const { attempts, deadLetters } = await resultsSeen(stack, watch, expected);
  const kills = killedAt.map((at) => watch.kill(at));
  const log = all.map((process) => process.log).join('');
  return { evidence: { expected, receipts, deadLetters, attempts, kills, slackMs }, log };
}

function worldOf(parts: {
  readonly stack: Stack;
  readonly watch: StackWatch;
  readonly receiver: Receiver;
  readonly all: ServiceProcess[];
  readonly killedAt: number[];
}): World {
  const { stack, watch, receiver, all, killedAt } = parts;
  const running = [...all];
  const oldest = () => running.shift() as ServiceProcess;
  return {
    ...{ stack, watch, running },
    async requests(further) {
      const wanted = (await receiver.count()) + further;
      const what = `${wanted} requests`;
      await waitFor(async () => (await receiver.count()) >= wanted, { what, timeoutMs: 60_000 });
    },
    async add() {
      const added = await stack.addDispatcher();
      all.push(added);
      running.push(added);
    },
    async removeOldest() {
      await oldest().kill('SIGTERM');
    },
    async killOldest() {
      const victim = oldest();
      killedAt.push(await victim.kill('SIGKILL'));
      victim.restart();
      await victim.ready();
      running.push(victim);
    },
  };
}

function tell(context: TestContext, evidence: Evidence, started: number): string {
  const { delivered, dead, lost, duplicates, duplicatesAllowed, problems } = checkDeliveries(evidence);
  const seconds = Math.round((performance.now() - started) / 1_000);
  const line =
    `${evidence.expected.length} deliveries, ${evidence.receipts.length} requests: ${delivered} delivered, ` +
    `${dead} dead letters, ${lost} lost, ${duplicates} duplicates (kills explain ${duplicatesAllowed}), ` +
    `${problems.length} problems, ${seconds} s`;
  context.diagnostic(line);
  return `${line}\n${problems.slice(0, 20).join('\n')}`;
}

/** Reigns that did not end in good order, as the logs tell. */
const lostReigns = (log: string) => log.split('\n').filter((line) => line.includes('partition.lost'));

test('dispatchers are added, removed and rolled under load: nothing is lost, sent twice or early', async (context) => {
  const started = performance.now();
  const { evidence, log } = await underLoad(6_000, async ({ add, removeOldest, requests }) => {
    for (let round = 0; round < rounds; round += 1) {
      await requests(300);
      await Promise.all([add(), add()]);
      await requests(500);
      await removeOldest();
      await requests(500);
      // Rolled: each new one is there before an old one goes.
      for (let rolled = 0; rolled < 2; rolled += 1) {
        await add();
        await requests(300);
        await removeOldest();
      }
      await removeOldest();
    }
  });
  const told = tell(context, evidence, started);
  const verdict = checkDeliveries(evidence);
  assert.deepEqual(verdict.problems, [], `${told}\n${lostReigns(log).join('\n')}`);
  assert.equal(verdict.duplicates, 0);
  assert.equal(verdict.delivered + verdict.dead, evidence.expected.length);
  assert.deepEqual(lostReigns(log), []);
});

test('a dispatcher killed while another joins costs the others no reign, however long the group waits for the dead', async (context) => {
  const started = performance.now();
  const { evidence, log } = await underLoad(12_000, async ({ add, killOldest, requests, watch }) => {
    await Promise.all([add(), add()]);
    await requests(500);
    await killOldest();
    await requests(500);
    assert.ok(watch.routed > 0);
  });
  const told = tell(context, evidence, started);
  assert.deepEqual(checkDeliveries(evidence).problems, [], told);
  assert.deepEqual(lostReigns(log), [], told);
});

test('a dispatcher is drained and undrained, and everything paused and resumed, under load: nothing is lost, sent twice or early', async (context) => {
  const started = performance.now();
  const { evidence, log } = await underLoad(6_000, async ({ add, requests, stack }) => {
    const { rpc } = stack;
    await add();
    await requests(100);
    const owned = async (): Promise<Map<string, number>> => {
      const { dispatchers } = await rpc.call(rpc.dispatchers, rpc.dispatchers.listDispatchers, {});
      return new Map(
        dispatchers.map(({ name, partitions, problem }) => [name, problem === '' ? partitions.length : -1]),
      );
    };
    const share = stack.partitions / 2;
    const owns = (wanted: readonly number[], what: string) =>
      waitFor(async () => [...(await owned()).values()].toSorted((a, b) => a - b).join() === wanted.join(), {
        ...{ what, timeoutMs: 60_000 },
      });
    await owns([share, share], 'both own their half');
    const [name = ''] = (await owned()).keys();
    const reason = 'a test';
    await rpc.call(rpc.dispatchers, rpc.dispatchers.drainDispatcher, { name, reason, force: false });
    await owns([0, stack.partitions], 'the other owns all');
    await requests(100);
    await rpc.call(rpc.pauses, rpc.pauses.pauseDeliveries, { name: 'installation', reason, expireTime: undefined });
    await rpc.call(rpc.dispatchers, rpc.dispatchers.undrainDispatcher, { name });
    await owns([share, share], 'both own their half again');
    await rpc.call(rpc.pauses, rpc.pauses.resumeDeliveries, { name: 'installation' });
    await requests(100);
  });
  const told = tell(context, evidence, started);
  const verdict = checkDeliveries(evidence);
  assert.deepEqual(verdict.problems, [], `${told}\n${lostReigns(log).join('\n')}`);
  assert.equal(verdict.duplicates, 0);
  assert.deepEqual(lostReigns(log), []);
});
