import { setTimeout as delay } from 'node:timers/promises';
import { partitionOf } from '@postrider/core';
import type { Customer } from '../support/customers.ts';
import type { KafkaEdge } from '../support/kafka-edges.ts';
import type { LocalKafka } from '../support/kafka.ts';
import type { Load } from '../support/load.ts';
import type { Receipt } from '../support/receipt.ts';
import type { Receiver } from '../support/receiver.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import type { StackWatch } from '../support/stack-watch.ts';
import type { Stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Guest } from './guest.ts';
import { recoveryMs, type Paths } from './measure.ts';
import type { Outcome } from './row.ts';

/** What a scene is made of. */
export interface SceneParts {
  readonly kafka: LocalKafka;
  readonly stack: Stack;
  readonly watch: StackWatch;
  readonly receiver: Receiver;
  readonly load: Load;
  /** By tenant. */
  readonly customers: ReadonlyMap<string, readonly Customer[]>;
  /** The way of a process to the brokers, by its name. */
  readonly edge: (name: string) => KafkaEdge;
  readonly sessionTimeoutMs: number;
  /** How soon the row has to recover. */
  readonly recoveryMsMax: number;
}

/** A time in which something was broken, and the endpoints that it did not concern. */
export interface BrokenSpan {
  readonly from: number;
  readonly to: number;
  readonly calmPaths: Paths;
}

/** The endpoints that a fault concerns, by partition or by path; absent: all. */
type Concerned = ReadonlySet<number | string> | undefined;

const pollMs = 50;
const patienceMs = 60_000;
/** How much longer than promised a recovery is waited for: late is told as late, not as never. */
const lateFactor = 3;

/** Everything that a row can break, watch and promise. Times are milliseconds since the Unix epoch. */
export class Scene {
  readonly outcomes: Outcome[] = [];
  readonly recoveries: number[] = [];
  readonly spans: BrokenSpan[] = [];
  /** Deliveries that the row itself has deleted from under the services: whatever becomes of them is right. */
  readonly excused = new Set<string>();
  /** Tenants of the row's own. */
  readonly guests: Guest[] = [];
  readonly parts: SceneParts;
  readonly #receipts: Receipt[] = [];
  readonly #logLengths = new Map<ServiceProcess, number>();
  #span: Omit<BrokenSpan, 'to'> | null = null;

  constructor(parts: SceneParts) {
    this.parts = parts;
  }

  get stack(): Stack {
    return this.parts.stack;
  }

  get sessionTimeoutMs(): number {
    return this.parts.sessionTimeoutMs;
  }

  get watch(): StackWatch {
    return this.parts.watch;
  }

  get kafka(): LocalKafka {
    return this.parts.kafka;
  }

  /** The ways of all routers and dispatchers to the brokers. */
  get edges(): readonly KafkaEdge[] {
    return [...this.stack.routers, ...this.stack.dispatchers].map((service) => this.edge(service));
  }

  /** The way of a process to the brokers. */
  edge({ name }: ServiceProcess): KafkaEdge {
    return this.parts.edge(name);
  }

  get services(): readonly ServiceProcess[] {
    return [this.stack.controlPlane, ...this.stack.routers, ...this.stack.dispatchers];
  }

  /** One of the dispatchers, from 1 on. */
  dispatcher(number: number): ServiceProcess {
    const { dispatchers } = this.stack;
    return dispatchers[(number - 1) % dispatchers.length] as ServiceProcess;
  }

  /** Lets the load run on. */
  async pass(ms: number): Promise<void> {
    await delay(ms);
  }

  /** Something is broken as of now; the endpoints of other partitions are to notice nothing. Gives the time. */
  broken(concerned?: Concerned): number {
    const from = Date.now();
    const noticing = this.goodPaths(concerned);
    const calmPaths = new Map([...this.goodPaths()].filter(([path]) => !noticing.has(path)));
    this.#span ??= { from, calmPaths };
    for (const service of this.services) this.#logLengths.set(service, service.log.length);
    return from;
  }

  /** All is mended as of now. Gives the time. */
  mended(): number {
    const to = Date.now();
    if (this.#span !== null) this.spans.push({ ...this.#span, to });
    this.#span = null;
    return to;
  }

  /** Waits until the first events that were accepted after `from` are where they belong, and measures how long it took. */
  async recovered(from: number, concerned?: Concerned): Promise<number> {
    const { load, recoveryMsMax } = this.parts;
    const paths = this.goodPaths(concerned);
    let taken: number | null = null;
    const look = async () => {
      taken = recoveryMs(await this.#received(), load.accepted, { from, paths });
      if (taken === null) await delay(pollMs);
      return taken !== null;
    };
    const timeoutMs = recoveryMsMax * lateFactor;
    const what = 'new events at every endpoint';
    await waitFor(look, { what, timeoutMs }).catch(() => this.promise(`recovered within ${timeoutMs} ms`, false));
    if (taken !== null) this.recoveries.push(taken);
    return taken ?? Infinity;
  }

  /** A promise of this row alone. */
  promise(text: string, ok: boolean): void {
    this.outcomes.push({ text, ok });
  }

  /** Promises that this comes true within `withinMs` of now. */
  async promiseSoon(text: string, withinMs: number, condition: () => boolean | Promise<boolean>): Promise<void> {
    const ok = await waitFor(condition, { what: text, timeoutMs: withinMs }).catch(() => false);
    this.promise(text, ok);
  }

  /** Promises that the service's log says this, since the moment when something was broken, within `withinMs` of now. */
  async promiseSaid(service: ServiceProcess, pattern: RegExp, withinMs: number): Promise<void> {
    await this.promiseSoon(`${service.name} says “${pattern.source}”`, withinMs, () => this.said(service, pattern));
  }

  /** Whether the service's log says this since the moment when something was broken. */
  said(service: ServiceProcess, pattern: RegExp): boolean {
    return pattern.test(service.log.slice(this.#logLengths.get(service) ?? 0));
  }

  /** Partitions that this dispatcher owns now. */
  ownedBy({ name }: ServiceProcess): ReadonlySet<number> {
    const numbers = Array.from({ length: this.stack.partitions }, (_, partition) => partition);
    return new Set(numbers.filter((partition) => isProcess(this.watch.ownerOf(partition), name)));
  }

  /** Waits until every partition has an owner among these dispatchers. */
  async ownedByAll(dispatchers: readonly ServiceProcess[]): Promise<void> {
    const owned = () => dispatchers.reduce((sum, each) => sum + this.ownedBy(each).size, 0);
    const what = `${dispatchers.map(({ name }) => name).join(', ')} to own every partition`;
    await waitFor(() => owned() === this.stack.partitions, { what, timeoutMs: patienceMs });
  }

  /** When this dispatcher has claimed a partition for the first time since; waits for it. */
  async claimedSince(at: number, { name }: ServiceProcess): Promise<number> {
    const own = () => this.watch.claims.find((claim) => claim.at >= at && isProcess(claim.processId, name));
    return (await waitFor(own, { what: `${name} to claim a partition`, timeoutMs: patienceMs })).at;
  }

  /** What has been received since; requests of one dispatcher alone if it is given. */
  async receivedSince(at: number, dispatcher?: ServiceProcess): Promise<readonly Receipt[]> {
    const agentEnd = dispatcher === undefined ? '' : `/${dispatcher.name})`;
    return (await this.#received()).filter((receipt) => receipt.at >= at && receipt.agent.endsWith(agentEnd));
  }

  /** Endpoints that answer well; of these partitions alone if they are given. */
  goodPaths(concerned?: Concerned): Paths {
    const { customers, stack } = this.parts;
    const paths = new Map<string, string>();
    for (const [tenant, list] of customers)
      for (const { path, behaviour, endpointUid } of list) {
        const well = behaviour.kind === 'answer' && behaviour.status === 200 && behaviour.failFirst === undefined;
        const among = concerned?.has(path) ?? true;
        if (well && (among || concerned?.has(partitionOf(endpointUid, stack.partitions)) === true))
          paths.set(path, tenant);
      }
    return paths;
  }

  async #received(): Promise<readonly Receipt[]> {
    this.#receipts.push(...(await this.parts.receiver.receipts(this.#receipts.length)));
    return this.#receipts;
  }
}

/** Process ids begin with the name that the stack gave. */
function isProcess(processId: string | null, name: string): boolean {
  return processId?.startsWith(`dispatcher-${name}-`) === true;
}
