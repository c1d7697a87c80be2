import { MINUTE, SECOND, type FaultKind, type FaultPlan, type Plan } from './plan.ts';
import { randomOf, type Random } from './random.ts';
import type { Customers, EndpointTruth } from './customers.ts';
import type { Fleet, Pod, Role } from './fleet.ts';
import type { ByHand } from './referee/by-hand.ts';
import type { Traps } from './traps.ts';

/** What faults act on. */
export interface FaultContext {
  readonly plan: Plan;
  readonly fleet: Fleet;
  readonly customers: Customers;
  readonly traps: Traps;
  readonly after: (ms: number, action: () => void) => void;
  readonly trace: (what: string) => void;
  readonly compact: () => void;
  readonly resend: () => void;
  /** What stands first on `deliveries` is written once more. */
  readonly repeat: () => void;
  /** Whose the first partition is. */
  readonly owner: () => Pod | undefined;
  /** Makes everything that travels slower by this factor. */
  readonly slowDown: (factor: number) => void;
  readonly brokers: (up: boolean) => void;
  /** Nothing that the process sends arrives, for so long. */
  readonly cutOff: (pod: Pod, forMs: number) => void;
  readonly byHand: ByHand;
  /** The endpoint's deliveries need no order any more. */
  readonly unordered: (endpoint: EndpointTruth) => void;
}

/** Makes the faults of a plan happen. */
export interface Faults {
  happen(fault: FaultPlan): void;
  /** No more faults: everything is healed, and every role has its processes. */
  end(): void;
}

/** Nothing has happened yet. */
export function createFaults(context: FaultContext): Faults {
  return new AllFaults(context);
}

type Change = 'keep' | 'cancel' | 'enabled' | 'deleted' | 'rate' | 'policy' | 'ordering';

class AllFaults implements Faults {
  readonly #c: FaultContext;
  readonly #random: Random;
  #over = false;
  readonly #acts: Readonly<Record<FaultKind, () => void>> = {
    crash: () => this.#crash('dispatcher'),
    'router-crash': () => this.#crash('router'),
    pause: () => this.#some((pod) => this.#c.fleet.freeze(pod, this.#spell())),
    mute: () => this.#some((pod) => this.#c.fleet.mute(pod, this.#spell())),
    cut: () => this.#some((pod) => this.#c.fleet.cut(pod, this.#spell())),
    leave: () => this.#leave(),
    join: () => this.#join(),
    roll: () => this.#roll(this.#c.fleet.living('dispatcher')),
    storm: () => this.#storm(),
    slow: () => this.#slow(),
    outage: () => this.#outage(),
    'cut-off': () => this.#some((pod) => this.#c.cutOff(pod, this.#random.pick([20, 90, 300]) * SECOND)),
    compact: () => this.#c.compact(),
    config: () => this.#changeSomething(),
    resend: () => this.#c.resend(),
    trap: () => this.#c.traps.arm(),
    'owner-crash': () => this.#kill(this.#c.owner()),
    disable: () => this.#changeFirst('keep'),
    enable: () => this.#changeFirst('enabled'),
    repeat: () => this.#c.repeat(),
    'hold-tenant': () => this.#c.byHand.hold(this.#tenant),
    'release-tenant': () => this.#c.byHand.release(this.#tenant),
    'drain-owner': () => this.#c.byHand.drain(this.#c.owner()?.id ?? ''),
  };

  constructor(context: FaultContext) {
    this.#c = context;
    this.#random = randomOf(context.plan.seed, 'faults');
  }

  get #tenant(): string {
    return this.#c.plan.tenants[0] ?? '';
  }

  happen({ kind }: FaultPlan): void {
    this.#acts[kind]();
  }

  end(): void {
    const { fleet, customers, slowDown, brokers } = this.#c;
    this.#over = true;
    slowDown(1);
    brokers(true);
    fleet.heal();
    for (const endpoint of customers.endpoints) {
      if (endpoint.state !== 'keep') continue;
      endpoint.state = 'enabled';
      customers.write(endpoint);
    }
    if (fleet.living('router').length === 0) fleet.start('router');
    while (fleet.living('dispatcher').length < 2) fleet.start('dispatcher');
  }

  #oneOf(role: Role): Pod | undefined {
    const running = this.#c.fleet.living(role).filter(({ state }) => state === 'running');
    return running.length === 0 ? undefined : this.#random.pick(running);
  }

  #some(act: (pod: Pod) => void): void {
    const pod = this.#oneOf('dispatcher');
    if (pod !== undefined) act(pod);
  }

  /** Shorter than a session, about as long, or longer. */
  #spell(): number {
    return Math.floor(this.#c.plan.sessionMs * this.#random.pick([0.3, 0.75, 0.95, 1.3, 3, 10]));
  }

  #crash(role: Role): void {
    this.#kill(this.#oneOf(role));
  }

  #kill(pod: Pod | undefined): void {
    if (pod === undefined) return;
    this.#c.fleet.kill(pod);
    this.#c.after(this.#random.pick([10, SECOND, 20 * SECOND, 3 * MINUTE]), () => this.#restore(pod.role));
  }

  #changeFirst(how: Change): void {
    const [endpoint] = this.#c.customers.endpoints;
    if (endpoint !== undefined) this.#change(endpoint, how);
  }

  #restore(role: Role): void {
    const { fleet, plan } = this.#c;
    if (!this.#over && fleet.living(role).length < (role === 'router' ? 1 : plan.members)) fleet.start(role);
  }

  #leave(): void {
    if (this.#c.fleet.living('dispatcher').length > 1) this.#some((pod) => this.#c.fleet.terminate(pod));
  }

  #join(): void {
    const { fleet, plan } = this.#c;
    if (fleet.living('dispatcher').length < plan.members + 2) fleet.start('dispatcher');
  }

  #roll([pod, ...rest]: readonly Pod[]): void {
    if (pod === undefined || this.#over) return;
    this.#c.fleet.terminate(pod, () => {
      this.#restore('dispatcher');
      this.#c.after(this.#random.int(1, 10) * SECOND, () => this.#roll(rest));
    });
  }

  #storm(): void {
    const { fleet, after } = this.#c;
    for (let i = 0; i < 3; i += 1)
      after(i * this.#random.int(100, 20 * SECOND), () => {
        if (this.#over) return;
        const pod = fleet.start('dispatcher');
        after(this.#random.int(1, 40) * SECOND, () => fleet.terminate(pod));
      });
  }

  #slow(): void {
    const factor = this.#random.pick([20, 200, 1_000]);
    this.#c.trace(`brokers are ${factor} times slower`);
    this.#c.slowDown(factor);
    this.#c.after(this.#random.int(10, 90) * SECOND, () => this.#c.slowDown(1));
  }

  #outage(): void {
    this.#c.trace('no broker answers');
    this.#c.brokers(false);
    this.#c.after(this.#random.pick([2 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE]), () => this.#c.brokers(true));
  }

  #changeSomething(): void {
    const { endpoints } = this.#c.customers;
    const changing = endpoints.filter(({ plan: { changes }, state }) => changes && state !== 'deleted');
    if (changing.length === 0) return;
    const endpoint = this.#random.pick(changing);
    const weights = { keep: 3, cancel: 2, enabled: 3, deleted: 1, rate: 1, policy: 2, ordering: 1 };
    this.#change(endpoint, this.#random.weighted<Change>(weights));
    this.#c.trace(`${endpoint.uid}: ${endpoint.state}, ordering ${endpoint.ordering}, rate ${endpoint.ratePerMinute}`);
  }

  #change(endpoint: EndpointTruth, how: Change): void {
    endpoint.untouched = false;
    if (how === 'rate') endpoint.ratePerMinute = this.#random.pick([0, 12, 120]);
    else if (how === 'policy')
      endpoint.delaysMs = this.#random.pick([[SECOND], [MINUTE, MINUTE, MINUTE], endpoint.plan.delaysMs]);
    else if (how === 'ordering') {
      endpoint.ordering = 'none';
      this.#c.unordered(endpoint);
    } else endpoint.state = how;
    endpoint.attemptsMax = Math.max(endpoint.attemptsMax, endpoint.delaysMs.length + 1);
    this.#c.customers.write(endpoint);
  }
}
