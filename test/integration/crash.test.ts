/**
 * Processes are killed in the middle of their work on a real Kafka, and the endings of all deliveries are compared with the
 * rules: nothing lost, nothing repeated that a kill does not explain, every signature right, nothing early.
 *
 * 5,000 events go to 20 endpoints. 19 of them want every event; the one that hangs wants each fiftieth, for it holds each of
 * its deliveries for a second and is soon sent one at a time: all 5,000 would take more than an hour. So there are 95,100
 * deliveries and, with those repeated on purpose, 120,100 requests. Events are published as the router keeps up, a few
 * hundred ahead of it: what a killed router routes again then lies within the 10,000 offsets that an owner looks back.
 */
// test-timeout: 600 s
// test-alone: killed processes are compared with the clock
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import type { LocalKafka } from '../../deploy/local/index.ts';
import { checkDeliveries, type Evidence, type Kill, type Verdict } from '../support/check-deliveries.ts';
import { createCustomers, plainType, twentyCustomers, wantedByAllType } from '../support/customers.ts';
import { startKafka } from '../support/kafka.ts';
import type { Plant } from '../support/plant.ts';
import { expectations, numberedEvent, publishEvents } from '../support/publish-events.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { resultsSeen } from '../support/results-seen.ts';
import { watchStack, type StackWatch } from '../support/stack-watch.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** How long after its attempt's record a delivery may be done, on a busy machine. */
const slackMs = 500;
const tenant = 'crash';
/** How many events are published at once, and how many of them may be left when the next ones are. */
const chunk = 250;
const unroutedMax = 100;

/**
 * The source offset is done although the row is not acknowledged, and the row is handed over a minute late: a kill in that
 * minute loses what was to be tried again.
 */
const completeBeforePut: Plant = {
  file: 'services/dispatcher/src/work-table.ts',
  find: 'this.#o.book.write(work.tier as Tier, work.key, row, acked, tooLarge);',
  replace: `this.#complete(work);
    this.#o.clock.after(60_000, () => this.#o.book.write(work.tier as Tier, work.key, row, acked, tooLarge));`,
};

interface World {
  readonly stack: Stack;
  readonly watch: StackWatch;
  readonly receiver: Receiver;
  /** How many deliveries and, without any kill, requests there are to be. */
  readonly deliveries: number;
  readonly requests: number;
  /** Kills the dispatcher and starts it again, without waiting for it. Gives the time of the kill (ms since the Unix epoch). */
  killDispatcher(): Promise<number>;
  quiet(timeoutMs: number): Promise<void>;
}

interface Run {
  readonly events: number;
  readonly plant?: Plant;
  /** Does the damage, and comes back when it is done. */
  readonly damage: (world: World) => Promise<void>;
}

let kafka: LocalKafka;
before(async () => {
  kafka = await startKafka({ brokers: 1 });
});
after(() => kafka[Symbol.asyncDispose]());

async function runThrough({ events: count, plant, damage }: Run): Promise<{ evidence: Evidence; log: string }> {
  await using receiver = await startReceiver();
  await using stack = await startStack({ kafka, ...(plant === undefined ? {} : { dispatcher: { plant } }) });
  const customers = await createCustomers(stack, receiver, tenant, twentyCustomers);
  await using watch = await watchStack(stack);
  const events = Array.from({ length: count }, (_, number) =>
    numberedEvent(tenant, number % 50 === 0 ? wantedByAllType : plainType, number),
  );
  const expected = expectations(stack, events, customers);
  const publishing = async () => {
    for (let from = 0; from < count; from += chunk) {
      await publishEvents(stack, events.slice(from, from + chunk));
      const wanted = expectations(stack, events.slice(0, from + chunk - unroutedMax), customers).length;
      await waitFor(() => watch.routed >= wanted, { what: `${wanted} deliveries to be routed`, timeoutMs: 60_000 });
    }
  };
  const flaky = expected.filter(({ path }) => path === 'flaky').length;
  const killedAt: number[] = [];
  const world: World = {
    ...{ stack, watch, receiver, deliveries: expected.length },
    requests: expected.reduce((sum, { attempts }) => sum + attempts, flaky),
    async killDispatcher() {
      const at = await stack.dispatcher.kill('SIGKILL');
      killedAt.push(at);
      stack.dispatcher.restart();
      return at;
    },
    async quiet(timeoutMs) {
      await waitFor(() => watch.quiet(expected.length), { what: 'every delivery to end', timeoutMs });
    },
  };
  await Promise.all([publishing(), damage(world)]);
  await world.quiet(300_000);
  const receipts = await receiver.receipts();
  const { attempts, deadLetters } = await resultsSeen(stack, watch, expected);
  const kills: Kill[] = killedAt.map((at) => watch.kill(at));
  return { evidence: { expected, receipts, deadLetters, attempts, kills, slackMs }, log: stack.dispatcher.log };
}

/** Kills when that much of the work has been seen from outside: the rest is still to do, and some of it in hand. */
async function killDispatcherAt(world: World, share: number): Promise<void> {
  const wanted = Math.floor(world.requests * share);
  const what = `${wanted} of ${world.requests} requests`;
  await waitFor(async () => (await world.receiver.count()) >= wanted, { what, timeoutMs: 120_000 });
  await world.killDispatcher();
}

async function killRouterAt({ stack, watch, deliveries }: World, share: number): Promise<void> {
  const wanted = Math.floor(deliveries * share);
  await waitFor(() => watch.routed >= wanted, { what: `${wanted} deliveries to be routed`, timeoutMs: 60_000 });
  await stack.router.kill('SIGKILL');
  assert.ok(watch.routed < deliveries, 'the router was killed after its work was done');
  stack.router.restart();
}

function tell(context: TestContext, { evidence, started }: { evidence: Evidence; started: number }, verdict: Verdict) {
  const { delivered, dead, lost, duplicates, duplicatesAllowed } = verdict;
  const seconds = Math.round((performance.now() - started) / 1_000);
  context.diagnostic(
    `${evidence.expected.length} deliveries, ${evidence.receipts.length} requests, ${evidence.kills.length} kills of the ` +
      `dispatcher: ${delivered} delivered, ${dead} dead letters, ${lost} lost, ${duplicates} duplicates ` +
      `(the kills explain up to ${duplicatesAllowed}), ${verdict.problems.length} problems, ${seconds} s`,
  );
}

/** The last lines of a dispatcher's log that do not tell of a dead letter. */
const withoutEndings = (log: string) =>
  log
    .split('\n')
    .filter((line) => !line.includes('delivery.dead'))
    .slice(-20)
    .join('\n');
const firstOf = (problems: readonly string[]) => problems.slice(0, 20).join('\n');

test('three kills of the dispatcher and one of the router: nothing lost, no repeat that they do not explain', async (context) => {
  const started = performance.now();
  const { evidence, log } = await runThrough({
    events: 5_000,
    async damage(world) {
      const dispatcherKills = async () => {
        for (const share of [0.1, 0.35, 0.6]) await killDispatcherAt(world, share);
      };
      await Promise.all([killRouterAt(world, 0.3), dispatcherKills()]);
    },
  });
  const verdict = checkDeliveries(evidence);
  tell(context, { evidence, started }, verdict);
  assert.equal(verdict.lost, 0, firstOf(verdict.problems));
  assert.equal(verdict.problems.length, 0, `${firstOf(verdict.problems)}\n${withoutEndings(log)}`);
  assert.equal(verdict.delivered + verdict.dead, evidence.expected.length);
  // Each kill came while something was in hand.
  for (const kill of evidence.kills) {
    assert.ok(checkDeliveries({ ...evidence, kills: [kill] }).duplicatesAllowed > 0);
  }
});

test('a dispatcher that completes before it puts is found out: what waited is lost', async (context) => {
  const started = performance.now();
  const { evidence } = await runThrough({
    // 900 deliveries wait for their row: fewer than a dispatcher may leave unwritten before it pauses.
    events: 300,
    plant: completeBeforePut,
    async damage(world) {
      // All is done, as the mistaken progress has it; the rows are still in the dispatcher's hands.
      await world.quiet(60_000);
      const at = await world.killDispatcher();
      await waitFor(() => world.watch.takenOverSince(at), { what: 'the next dispatcher', timeoutMs: 60_000 });
    },
  });
  const verdict = checkDeliveries(evidence);
  tell(context, { evidence, started }, verdict);
  const waited = evidence.expected.filter(({ path }) => path === 'flaky' || path.startsWith('failing-'));
  assert.equal(verdict.lost, waited.length);
  assert.match(firstOf(verdict.problems), /^lost: /);
});
