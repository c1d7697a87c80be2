import { createNames, createPolicy, defaultLimits, judgeUrl, tlsIdentity } from '@postrider/egress';
import { systemClock } from '@postrider/runtime';
import { vet } from '../../packages/egress/src/guarded-connect.ts';
import { createPools } from '../../packages/egress/src/pools/pools.ts';
import { createSockets, endpointFor } from '../../packages/egress/src/sockets.ts';
import { conclude, judge } from './bounds.ts';
import { keepResults, load, machineFacts, median, round } from './machine.ts';
import { runLoopProcess } from './raw-loop.ts';
import { startSink, type SinkOptions } from './sink.ts';
import type { PlainOptions } from './plain-options.ts';

/** CPU of one thing (µs). */
interface Round {
  /** Of what looks after a request for which there is a connection. */
  readonly keptGuardUs: number;
  /** Of what judges a URL, its host's addresses, and the peer, for a new connection; the name is remembered. */
  readonly freshGuardUs: number;
  /** Of a whole signed request of the sending process. */
  readonly keptRequestUs: number;
  readonly freshRequestUs: number;
}

/** The most of a whole request's CPU, with a connection that is kept and with a new one. */
const KEPT_SHARE_MAX = 0.02;
const FRESH_SHARE_MAX = 0.1;
const hostname = 'hooks.example.com';
const addresses = ['8.8.8.8', '8.8.4.4', '2606:4700::1111', '2606:4700::1001'];
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What the guard costs, against a whole signed request over the plain connections that it guards. */
export async function benchGuard(options: PlainOptions<'guard'>): Promise<void> {
  const loadBefore = load();
  const rounds: Round[] = [];
  for (let at = 1; at <= options.rounds; at += 1) {
    rounds.push({
      keptGuardUs: round(await keptGuard(options.checks), 3),
      freshGuardUs: round(await freshGuard(options.checks), 3),
      keptRequestUs: round(await request(options, {}), 1),
      freshRequestUs: round(await request(options, { closes: true }), 1),
    });
    say(`Round ${at}: ${JSON.stringify(rounds.at(-1))}`);
  }
  const of = (value: (one: Round) => number, digits = 4): number => round(median(rounds.map(value)), digits);
  const keptShare = of((one) => one.keptGuardUs / one.keptRequestUs);
  const freshShare = of((one) => one.freshGuardUs / one.freshRequestUs);
  const summary = {
    bench: 'guard',
    ...{ checks: options.checks, bodyBytes: options.body },
    keptShare,
    freshShare,
    keptGuardUs: of((one) => one.keptGuardUs, 3),
    freshGuardUs: of((one) => one.freshGuardUs, 3),
    keptRequestUs: of((one) => one.keptRequestUs, 1),
    freshRequestUs: of((one) => one.freshRequestUs, 1),
    ...judge([
      { figure: 'keptShare', value: keptShare, most: KEPT_SHARE_MAX },
      { figure: 'freshShare', value: freshShare, most: FRESH_SHARE_MAX },
    ]),
    ...machineFacts(null, loadBefore),
  };
  await keepResults('guard', { summary, rounds }, options.record);
  conclude(summary);
}

/** Sends as `egress-http` does; CPU of the sender. */
async function request({ seconds, body, ...more }: PlainOptions<'guard'>, speaks: SinkOptions): Promise<number> {
  await using sink = await startSink(speaks);
  const loop = { endpoints: 200, inFlight: more['in-flight'], seconds, bodyBytes: body };
  const { cpuUs, requests } = await runLoopProcess('egress-loop', sink, loop);
  return cpuUs / requests;
}

const policy = createPolicy({ allowHttp: true });
const connect = {
  policy,
  clock: systemClock,
  limits: defaultLimits,
  identity: tlsIdentity({}),
  resolve: createNames({
    ask: () => Promise.resolve({ addresses, ttlMs: 60_000 }),
    clock: systemClock,
    limits: defaultLimits,
  }).resolve,
};

function keptGuard(checks: number): Promise<number> {
  const pools = createPools({ definitions: new Map(), connect });
  const sockets = createSockets(connect, pools);
  const requests = Array.from({ length: 200 }, (_, endpoint) => ({
    ...{ origin: `http://${hostname}`, path: `/e${endpoint}`, headers: [], body: Buffer.alloc(0) },
    ...{ totalDeadlineMs: 15_000, poolKey: `tenant/e${endpoint}`, maxSockets: 16 },
  }));
  const measured = cpuOf(checks, (index): undefined => {
    const found = endpointFor(sockets, requests[index % requests.length] as (typeof requests)[number]);
    if ('code' in found) throw new Error(found.message);
  });
  return measured.finally(() => pools.close());
}

function freshGuard(checks: number): Promise<number> {
  return cpuOf(checks, async () => {
    if (judgeUrl(`http://${hostname}/`, policy).verdict === 'deny') throw new Error('the URL is refused');
    if ((await vet(hostname, connect)).length !== addresses.length) throw new Error('addresses are missing');
  });
}

/** CPU (µs) of one call of `work`, after a warm-up. */
async function cpuOf(times: number, work: (index: number) => undefined | Promise<void>): Promise<number> {
  const run = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      const waits = work(index);
      // Waiting for what is no promise would be measured, too.
      if (waits !== undefined) await waits;
    }
  };
  await run(times / 10);
  const began = process.cpuUsage();
  await run(times);
  const { user, system } = process.cpuUsage(began);
  return (user + system) / times;
}
