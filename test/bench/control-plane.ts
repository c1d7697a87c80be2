import { randomBytes } from 'node:crypto';
import { uniqueName } from '../support/resources.ts';
import { conclude, judge } from './bounds.ts';
import { keepResults, round } from './machine.ts';
import { callAtOnce, callEvenly, type Called } from './plane/callers.ts';
import { startBenchPlane, type BenchPlane } from './plane/start-plane.ts';
import { cpuMicroseconds } from './proc-stat.ts';
import { openStage } from './rig/stage.ts';
import type { PlaneCaller } from './plane/plane-caller.ts';
import type { PlainOptions } from './plain-options.ts';

type Options = PlainOptions<'control-plane'>;

const PARTITIONS = 12;
const GETS_PER_SECOND_AND_CORE = 3_000;
const CREATES_PER_SECOND = 500;
const CREATE_P99_MS_MAX = 50;
/** Until service and broker have compiled what small transactions take; what is timed goes on from there. */
const WARM_UP_SECONDS = 20;
const IMPORT_S_MAX = 60;
const IMPORT_ENDPOINTS = 100_000;
/** A connection carries a hundred calls at once at most. */
const CALLERS_PER_CONNECTION = 64;
/** Below the quota that tenants have. */
const ENDPOINTS_PER_TENANT = 5_000;
/** Room for 2,500 creates a second for a minute, by that quota. */
const MORE_TENANTS = 32;

/**
 * One control plane with TLS and API keys, as an operator runs it: many endpoints are created at once; then, among them, more are created
 * and read by some callers. Load, service and broker share the machine; the load's calls are as cheap as Node can make them, for they
 * take from its cores what other machines would give.
 */
export async function benchControlPlane(options: Options): Promise<void> {
  await using stage = await openStage();
  const [topicPrefix, kek] = [`${uniqueName('bench')}.`, randomBytes(32).toString('hex')];
  await using plane = await startBenchPlane(stage, { topicPrefix, kek, partitions: PARTITIONS });
  const count = Math.ceil(options.importers / CALLERS_PER_CONNECTION);
  const connections = await Promise.all(Array.from({ length: count }, () => plane.connectCaller()));
  const tenants = Array.from({ length: Math.ceil(options.import / ENDPOINTS_PER_TENANT) }, (_, n) => `tenant-${n}`);
  const more = Array.from({ length: MORE_TENANTS }, (_, n) => `more-${n}`);
  const client = plane.connect();
  for (const tenant of [...tenants, ...more]) await client.createTenant(tenant);
  const tenantOf = (n: number): string => tenants[n % tenants.length] ?? '';
  const callerOf = (n: number): PlaneCaller => connections[n % connections.length] as PlaneCaller;
  const create = (n: number) => callerOf(n).createEndpoint(tenantOf(n), `e${n}`);

  let next = 0;
  const imported = await measure(plane, () =>
    callAtOnce(options.importers, () => {
      const n = next++;
      return n < options.import ? () => create(n) : null;
    }),
  );
  stage.say(`import: ${JSON.stringify(imported)}`);
  const [first] = connections;
  const flatOut = (call: () => Promise<unknown>): Promise<Called> => {
    const until = performance.now() + options.seconds * 1_000;
    return callAtOnce(options.callers, () => (performance.now() < until ? call : null));
  };
  const createOne = async () => first?.createEndpoint(more[next % MORE_TENANTS] ?? '', `more-${next++}`);
  // First, among as many endpoints as were imported. Callers that never rest wait for one another: how long a call takes shows at the rate that must be carried.
  const atRate = (seconds: number) => callEvenly(options.callers, CREATES_PER_SECOND, seconds, createOne);
  await atRate(WARM_UP_SECONDS);
  const createdAtRate = await measure(plane, () => atRate(options.seconds));
  stage.say(`creates, ${CREATES_PER_SECOND} a second: ${JSON.stringify(createdAtRate)}`);
  const created = await measure(plane, () => flatOut(createOne));
  stage.say(`creates, flat out: ${JSON.stringify(created)}`);
  const got = await measure(plane, () =>
    flatOut(async () => {
      const n = Math.floor(Math.random() * options.import);
      await first?.getEndpoint(`tenants/${tenantOf(n)}/endpoints/e${n}`);
    }),
  );
  stage.say(`gets: ${JSON.stringify(got)}`);
  const importSeconds = round(imported.calls / imported.perSecond);
  const getsPerCore = Math.round(1e6 / got.cpuUs);
  const summary = {
    bench: 'control-plane',
    ...{ callers: options.callers, importers: options.importers, endpoints: options.import, seconds: options.seconds },
    ...{ imported, createdAtRate, created, got },
    ...judge([
      { figure: 'gets per second and core', value: getsPerCore, least: GETS_PER_SECOND_AND_CORE },
      { figure: `creates per second, ${options.callers} callers`, value: created.perSecond, least: CREATES_PER_SECOND },
      {
        figure: `p99 of a create, ${options.callers} callers, ${CREATES_PER_SECOND} a second (ms)`,
        value: createdAtRate.p99Ms,
        most: CREATE_P99_MS_MAX,
      },
      {
        figure: 'import of 100,000 endpoints (s)',
        value: round((importSeconds * IMPORT_ENDPOINTS) / options.import),
        most: IMPORT_S_MAX,
      },
    ]),
    ...stage.machineFacts(),
  };
  await keepResults('control-plane', { summary }, options.record);
  conclude(summary);
}

interface Measured extends Called {
  /** CPU of the control plane for one call, in microseconds. */
  readonly cpuUs: number;
}

async function measure<C extends Called>({ process }: BenchPlane, call: () => Promise<C>): Promise<C & Measured> {
  const before = await cpuMicroseconds(process.pid);
  const called = await call();
  return { ...called, cpuUs: round(((await cpuMicroseconds(process.pid)) - before) / called.calls) };
}
