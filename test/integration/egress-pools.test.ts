/**
 * Egress pools on a whole stack over a real Kafka. What may be observed: the addresses that a receiver is asked from, what
 * stands on `attempts`, and what dispatchers say of themselves on `/readyz`.
 */
// test-timeout: 400 s
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { createCustomers, type CustomerPlan } from '../support/customers.ts';
import { sharedKafka } from '../support/kafka.ts';
import { startLoad } from '../support/load.ts';
import { numberedEvent, publishEvents } from '../support/publish-events.ts';
import { startProxyChain } from '../support/proxy-chain.ts';
import type { Receipt } from '../support/receipt.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { tempDir } from '../support/resources.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

interface Installation extends AsyncDisposable {
  readonly stack: Stack;
  readonly receiver: Receiver;
  readonly tenant: string;
}

const tenant = 'acme';

/** A stack with these pools and, for each, endpoints that use it; `default` uses none by name. */
async function install(
  pools: object,
  endpointsOf: Readonly<Record<string, number>>,
  dispatchers = 1,
): Promise<Installation> {
  await using resources = new AsyncDisposableStack();
  const receiver = resources.use(await startReceiver());
  const folder = resources.use(await tempDir());
  const file = join(folder.path, 'pools.json');
  await writeFile(file, JSON.stringify(pools));
  const stack = resources.use(
    await startStack({
      ...{ kafka: await sharedKafka(), partitions: 4, dispatchers },
      envOf: (name): Record<string, string> => (name.startsWith('router') ? {} : { POSTRIDER_EGRESS_POOLS_FILE: file }),
    }),
  );
  const plans = Object.entries(endpointsOf).flatMap(([pool, count]) =>
    Array.from({ length: count }, (_, index): CustomerPlan => ({
      path: `${pool}-${index}`,
      ...{ behaviour: { kind: 'answer', status: 200 }, eventTypes: ['*'], ending: 'delivered', attempts: 1 },
      endpoint: { egressPool: pool === 'default' ? '' : `egressPools/${pool}` },
    })),
  );
  await createCustomers(
    stack,
    receiver,
    tenant,
    plans,
    Object.keys(endpointsOf).map((pool) => `egressPools/${pool}`),
  );
  const owned = resources.move();
  return { stack, receiver, tenant, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const poolOf = ({ path }: Receipt): string => path.replace(/-\d+$/, '');
const deliveriesIn = (receipts: readonly Receipt[], pool: string): number =>
  new Set(receipts.flatMap((one) => (poolOf(one) === pool ? [`${one.path} ${one.webhookId}`] : []))).size;

/** Every receipt by the pool of its endpoint and the address that it came from. */
function sources(receipts: readonly Receipt[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const receipt of receipts) {
    const key = `${poolOf(receipt)} from ${receipt.from}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

const received = (receiver: Receiver, pool: string, count: number, timeoutMs = 90_000) =>
  waitFor(async () => deliveriesIn(await receiver.receipts(), pool) >= count, {
    what: `${count} deliveries from ${pool}`,
    timeoutMs,
  });

async function readyz({ healthUrl }: ServiceProcess): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${healthUrl}/readyz`).catch(() => null);
  return { status: answer?.status ?? 0, text: (await answer?.text()) ?? '' };
}

test('every request leaves from its endpoint’s pool, whatever happens to dispatchers', async (context) => {
  const one = { kind: 'addresses', localAddresses: ['127.0.0.2'] };
  const other = { kind: 'addresses', localAddresses: ['127.0.0.3'] };
  await using installed = await install({ one, other }, { one: 3, other: 3, default: 2 }, 2);
  const { stack, receiver } = installed;
  await using load = startLoad(stack, { tenants: [tenant], eventsPerSecond: 20, type: () => 'order.paid' });
  const [first, second] = stack.dispatchers as [ServiceProcess, ServiceProcess];
  const faults: readonly (readonly [ServiceProcess, NodeJS.Signals])[] = [
    ...[
      [first, 'SIGKILL'] as const,
      [second, 'SIGTERM'] as const,
      [second, 'SIGKILL'] as const,
      [first, 'SIGTERM'] as const,
    ],
  ];
  for (const [dispatcher, signal] of faults) {
    const before = await receiver.count();
    await waitFor(async () => (await receiver.count()) > before + 100, {
      what: 'deliveries to go on',
      timeoutMs: 60_000,
    });
    await dispatcher.kill(signal);
    dispatcher.restart();
    await dispatcher.ready();
  }
  const events = await load.stop();
  for (const [pool, endpoints] of [
    ['one', 3],
    ['other', 3],
    ['default', 2],
  ] as const)
    await received(receiver, pool, endpoints * events.length);
  const receipts = await receiver.receipts();
  const counts = sources(receipts);
  context.diagnostic(`${events.length} events, ${receipts.length} requests: ${JSON.stringify(counts)}`);
  assert.deepEqual(Object.keys(counts).toSorted(), [
    'default from 127.0.0.1',
    'one from 127.0.0.2',
    'other from 127.0.0.3',
  ]);
  const recorded = new Set<string>();
  await stack.topicRecords('attempts', ({ value }) => {
    const { outcome, egressPool, sourceAddress } = Attempt.decode(value ?? Buffer.alloc(0));
    if (outcome === Outcome.DELIVERED) recorded.add(`${egressPool} ${sourceAddress}`);
  });
  const expected = ['egressPools/default 127.0.0.1', 'egressPools/one 127.0.0.2', 'egressPools/other 127.0.0.3'];
  assert.deepEqual([...recorded].toSorted(), expected);
});

// Of its own, so that runs beside each other do not meet.
const borrowed = `10.253.${(process.pid >> 8) & 255}.${process.pid & 255}`;
const ip = (verb: 'add' | 'del') =>
  execFileSync('ip', ['addr', verb, `${borrowed}/32`, 'dev', 'lo'], { stdio: 'ignore' });

function cannotBorrow(): string | false {
  try {
    ip('add');
    ip('del');
    return false;
  } catch {
    return 'adding an address to the loopback interface takes root and iproute2';
  }
}

test(
  'an address that is taken away: its deliveries are kept, over a kill too, and delivered when it is back',
  { skip: cannotBorrow() },
  async (context) => {
    await using resources = new AsyncDisposableStack();
    ip('add');
    let here = true;
    resources.defer(() => {
      if (here) ip('del');
    });
    const installed = resources.use(
      await install({ partners: { kind: 'addresses', localAddresses: [borrowed] } }, { partners: 2, default: 1 }),
    );
    const { stack, receiver } = installed;
    const { dispatcher } = stack;
    let published = 0;
    const publish = async (count: number): Promise<void> => {
      await publishEvents(
        stack,
        Array.from({ length: count }, () => numberedEvent(tenant, 'order.paid', published++)),
      );
    };
    const isRed = () =>
      waitFor(async () => (await readyz(dispatcher)).status === 503, { what: '/readyz to be red', timeoutMs: 60_000 });

    await publish(50);
    await received(receiver, 'partners', 2 * 50);
    ip('del');
    here = false;
    await isRed();
    assert.match(
      (await readyz(dispatcher)).text,
      new RegExp(`partners.*${borrowed}.*is not an address of this machine`),
    );
    const atLoss = deliveriesIn(await receiver.receipts(), 'partners');
    await publish(100);
    await received(receiver, 'default', 150);
    await dispatcher.kill('SIGKILL');
    dispatcher.restart();
    await isRed();
    await publish(50);
    await received(receiver, 'default', 200);
    assert.equal(deliveriesIn(await receiver.receipts(), 'partners'), atLoss);
    ip('add');
    here = true;
    await received(receiver, 'partners', 2 * 200);
    await dispatcher.ready();
    const receipts = await receiver.receipts();
    const counts = sources(receipts);
    context.diagnostic(`${published} events, ${receipts.length} requests: ${JSON.stringify(counts)}`);
    assert.deepEqual(Object.keys(counts).toSorted(), ['default from 127.0.0.1', `partners from ${borrowed}`]);
    let dead = 0;
    await stack.topicRecords('dead-letters', () => (dead += 1));
    assert.equal(dead, 0);
  },
);

test('a forward proxy that goes down: its deliveries wait without an attempt, and leave through it when it is back', async (context) => {
  await using proxy = await startProxyChain({ denied: '127.0.0.5', leavesFrom: '127.0.0.4' });
  await using folder = await tempDir();
  const passwordFile = join(folder.path, 'password');
  await writeFile(passwordFile, proxy.password);
  const vetted = {
    kind: 'proxy',
    proxyUrl: `http://127.0.0.1:${proxy.port}`,
    username: proxy.username,
    passwordFile,
  };
  await using installed = await install({ vetted }, { vetted: 2, default: 1 });
  const { stack, receiver } = installed;
  let published = 0;
  const publish = async (count: number): Promise<void> => {
    await publishEvents(
      stack,
      Array.from({ length: count }, () => numberedEvent(tenant, 'order.paid', published++)),
    );
  };
  await publish(50);
  await received(receiver, 'vetted', 2 * 50);
  await proxy.kill();
  await publish(50);
  await received(receiver, 'default', 100);
  const { dispatcher } = stack;
  await waitFor(async () => (await readyz(dispatcher)).status === 503, {
    what: '/readyz to be red',
    timeoutMs: 60_000,
  });
  assert.match((await readyz(dispatcher)).text, new RegExp(`vetted.*proxy 127.0.0.1:${proxy.port}: cannot be reached`));
  await proxy.restart();
  await received(receiver, 'vetted', 2 * 100);
  await dispatcher.ready();
  const counts = sources(await receiver.receipts());
  assert.deepEqual(Object.keys(counts).toSorted(), ['default from 127.0.0.1', 'vetted from 127.0.0.4']);
  const used = new Map<string, number>();
  await stack.topicRecords('attempts', ({ value }) => {
    const { outcome, code, number } = Attempt.decode(value ?? Buffer.alloc(0));
    const key = `${outcome} ${code} ${number}`;
    used.set(key, (used.get(key) ?? 0) + 1);
  });
  context.diagnostic(`${JSON.stringify(counts)}; attempts ${JSON.stringify([...used])}`);
  for (const key of used.keys())
    assert.match(key, /^OUTCOME_(DELIVERED ok 1|INTERNAL_ERROR (proxy|pool)_unavailable 0)$/);
});
