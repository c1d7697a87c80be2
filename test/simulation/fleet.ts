import { localKeys } from '@postrider/config-view';
import { startDispatcher, type Dispatcher, type Send } from '@postrider/dispatcher';
import { startRouter, type Router } from '@postrider/router';
import type { FakeClock, FakeKafka, FakePort } from '@postrider/kafka/testing';
import type { LogFields } from '@postrider/runtime';
import { kek } from './customers.ts';
import { createGauges, createListeningLog, type GaugeReader, type LogLevelName } from './quiet-telemetry.ts';
import { randomOf, type Random } from './random.ts';
import type { Plan } from './plan.ts';

export type Role = 'dispatcher' | 'router';

/** One process of the installation, from its start to its end. */
export interface Pod {
  readonly id: string;
  readonly role: Role;
  readonly port: FakePort;
  readonly gauges: GaugeReader;
  readonly abort: AbortController;
  /** Null until it has started. */
  service: Dispatcher | Router | null;
  /** Its start is over, be it because it was told to stop. */
  started: Promise<void>;
  state: 'running' | 'frozen' | 'leaving' | 'gone';
}

export interface FleetOptions {
  readonly plan: Plan;
  readonly kafka: FakeKafka;
  readonly clock: FakeClock;
  readonly sendOf: (port: FakePort, process: string) => Send;
  readonly trace: (what: string) => void;
  readonly problem: (kind: string, text: string) => void;
  readonly hear: (pod: string, level: LogLevelName, fields: LogFields, message: string) => void;
}

/** The processes of a simulated installation, and what can happen to a process. */
export interface Fleet {
  readonly pods: readonly Pod[];
  /** Those that are not gone. */
  living(role?: Role): Pod[];
  find(id: string): Pod | undefined;
  start(role: Role): Pod;
  /** SIGKILL. */
  kill(pod: Pod): void;
  freeze(pod: Pod, forMs: number): void;
  cut(pod: Pod, forMs: number): void;
  mute(pod: Pod, forMs: number): void;
  /** SIGTERM; `then` is called when the process has ended. */
  terminate(pod: Pod, then?: () => void): void;
  /** Ends everything that keeps living processes from their work. */
  heal(): void;
}

/** What a process does every second or more often is done this often while nothing comes in or goes out. */
const IDLE_MS = 600_000;

const ROUTER_SESSION_MS = 30_000;

/** A fleet without processes. */
export function createFleet(options: FleetOptions): Fleet {
  return new OneFleet(options);
}

class OneFleet implements Fleet {
  readonly pods: Pod[] = [];
  readonly #o: FleetOptions;
  readonly #random: Random;
  #started = 0;
  readonly #afflicted = new Set<() => void>();

  constructor(options: FleetOptions) {
    this.#o = options;
    this.#random = randomOf(options.plan.seed, 'services');
  }

  living(role?: Role): Pod[] {
    return this.pods.filter((pod) => pod.state !== 'gone' && (role === undefined || pod.role === role));
  }

  find(id: string): Pod | undefined {
    return this.pods.find((pod) => pod.id === id);
  }

  start(role: Role): Pod {
    const { kafka } = this.#o;
    const id = `${role === 'router' ? 'r' : 'd'}${this.#started++}`;
    const port = kafka.connect(id, { idleMs: IDLE_MS });
    const pod: Pod = {
      id,
      role,
      port,
      gauges: createGauges(),
      abort: new AbortController(),
      service: null,
      started: Promise.resolve(),
      state: 'running',
    };
    this.pods.push(pod);
    this.#o.trace(`${id} starts`);
    const starting = role === 'router' ? this.#startRouter(pod) : this.#startDispatcher(pod);
    pod.started = starting.then(
      (service) => {
        pod.service = service;
      },
      (error: Error) => {
        if (pod.state !== 'gone' && !pod.abort.signal.aborted) this.#o.problem('start', `${id}: ${error.stack}`);
      },
    );
    return pod;
  }

  kill(pod: Pod): void {
    if (pod.state === 'gone') return;
    pod.state = 'gone';
    this.#o.trace(`${pod.id} is killed`);
    pod.port.kill();
  }

  freeze(pod: Pod, forMs: number): void {
    if (pod.state !== 'running') return;
    pod.state = 'frozen';
    this.#o.trace(`${pod.id} stands still for ${forMs} ms`);
    pod.port.freeze();
    this.#later(forMs, () => {
      if (pod.state !== 'frozen') return;
      pod.state = 'running';
      this.#o.trace(`${pod.id} wakes up`);
      pod.port.thaw();
    });
  }

  cut(pod: Pod, forMs: number): void {
    this.#o.trace(`${pod.id} is cut from Kafka for ${forMs} ms`);
    pod.port.cut(true);
    this.#later(forMs, () => pod.port.cut(false));
  }

  mute(pod: Pod, forMs: number): void {
    this.#o.trace(`heartbeats of ${pod.id} get lost for ${forMs} ms`);
    pod.port.loseHeartbeats(true);
    this.#later(forMs, () => pod.port.loseHeartbeats(false));
  }

  terminate(pod: Pod, then: () => void = () => undefined): void {
    if (pod.state !== 'running') return then();
    pod.state = 'leaving';
    this.#o.trace(`${pod.id} is told to stop`);
    pod.abort.abort();
    const stopping = pod.started
      .then(() => pod.service?.[Symbol.asyncDispose]())
      // Whose start was cut short may have joined a group.
      .then(() => pod.port[Symbol.asyncDispose]());
    const over = (): void => {
      if (pod.state !== 'leaving') return;
      this.#o.trace(`${pod.id} has stopped`);
      pod.port.kill();
      pod.state = 'gone';
      then();
    };
    stopping.then(over, (error: Error) => {
      this.#o.problem('stop', `${pod.id}: ${error.stack}`);
      over();
    });
  }

  heal(): void {
    for (const end of [...this.#afflicted]) end();
  }

  #later(ms: number, end: () => void): void {
    const once = (): void => {
      cancel();
      if (this.#afflicted.delete(once)) end();
    };
    const cancel = this.#o.clock.after(ms, once);
    this.#afflicted.add(once);
  }

  #startDispatcher({ id, port, gauges, abort }: Pod): Promise<Dispatcher> {
    const { plan, sendOf, hear } = this.#o;
    const random = this.#random;
    const config = {
      topicPrefix: 'postrider.',
      keys: localKeys(kek),
      allowHttp: false,
      allowLoopback: false,
      allowCidrs: [],
      processId: id,
      sessionTimeoutMs: plan.sessionMs,
      contactUrl: '',
      ...(plan.inFlightMax !== undefined && { inFlightMax: plan.inFlightMax }),
    };
    const log = createListeningLog((level, fields, message) => hear(id, level, fields, message));
    const deps = { kafka: port, clock: port.clock, log, metrics: gauges, random: random.bytes, send: sendOf(port, id) };
    return startDispatcher(config, deps, abort.signal);
  }

  #startRouter({ id, port, gauges, abort }: Pod): Promise<Router> {
    const { hear } = this.#o;
    const config = {
      topicPrefix: 'postrider.',
      processId: id,
      bodyBytesMax: 262_144,
      sessionTimeoutMs: ROUTER_SESSION_MS,
      outstandingMax: 10_000,
      outstandingBytesMax: 64 * 1_024 * 1_024,
    };
    const log = createListeningLog((level, fields, message) => hear(id, level, fields, message));
    return startRouter(config, { kafka: port, clock: port.clock, log, metrics: gauges }, abort.signal);
  }
}
