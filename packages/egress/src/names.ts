import type { Clock } from '@postrider/core';
import { dnsFailure, EgressError } from './failure.ts';
import type { EgressLimits } from './limits.ts';
import { createNameOutage, type NameServersState } from './name-outage.ts';
import { createNameWitnesses } from './name-witnesses.ts';
import { maxAddressesMost } from './policy.ts';
import { saysNo, type AskName, type NameAnswer, type Resolve } from './resolve.ts';
import type { FailureCause } from './result.ts';

export interface NamesOptions {
  readonly ask: AskName;
  readonly clock: Clock;
  readonly limits: EgressLimits;
}

/** Names, and whether name servers answer. */
export interface Names extends NameServersState {
  readonly resolve: Resolve;
  /**
   * Of a request that ended while its name was asked for: whether the question, once it is over, turns out to have failed by
   * our own fault. Undefined: the name is not asked for.
   */
  blame(hostname: string): Promise<FailureCause | undefined> | undefined;
  /** Nothing is looked after any more. */
  close(): void;
}

/** What is known of a name: addresses, or why there are none. */
interface Known {
  readonly addresses: readonly string[];
  readonly failure: EgressError | null;
  /** Asked again from then on. */
  readonly freshUntil: number;
  /** Until then it stands in when name servers fail. */
  readonly usableUntil: number;
}

/** More than any policy lets a name have, so one that has more is refused. A hostile zone may answer with thousands. */
const addressesKeptMax = maxAddressesMost + 1;

/**
 * Names, with a memory of what name servers said of them. Addresses are kept, never verdicts: each connection judges them
 * anew, by the policy of its moment.
 *
 * - An answer is fresh for its time to live, within `nameFreshMinMs` and `nameFreshMaxMs`. When name servers fail, it stands
 *   in until it is `nameFreshMaxMs` old, and not longer.
 * - "There is no such name" is kept for `nameAbsentMs`; a failure for `nameTroubleMs`.
 * - A name is asked once for all that want it at the same time. Beyond `namesMax` names the oldest is forgotten.
 *
 * A question that fails does not tell whose fault it is: the name's own servers may be broken, or nothing can be asked from
 * here. So names that were answered lately are asked too, two of each of the last tenants. Is one of them answered, the fault is
 * the endpoint's; is none, it is ours, and no endpoint pays for it. That lasts until any name is answered, which is looked for
 * all the time: every `nameTroubleMs`. Meanwhile names that are remembered are not asked about, and whatever else is not
 * answered is our fault.
 */
export function createNames({ ask, clock, limits }: NamesOptions): Names {
  const known = createMemory(limits.namesMax);
  const bounded = boundedBy(limits.resolveMs, clock, ask);
  const witnesses = createNameWitnesses(bounded, clock, limits.nameTroubleMs);
  const outage = createNameOutage({ clock, limits, witnesses, ask: (...who) => void asking.ask(...who) });
  const asking = createAsking(askAbout);

  function answered(hostname: string, tenant?: string): void {
    witnesses.answered(hostname, tenant);
    if (!outage.isFailing()) return;
    // What was said of a name while none was answered is worth nothing: whoever waits asks now.
    known.forgetOurFailures();
    outage.end();
  }

  async function askAbout(hostname: string, tenant?: string): Promise<Known> {
    const before = known.get(hostname);
    const question = { hostname, tenant, askedAt: clock.monotonic() };
    const after = (ms: number): number => clock.monotonic() + ms;
    try {
      const answer = await bounded(hostname);
      answered(hostname, tenant);
      return known.keep(hostname, given(answer, clock.monotonic(), limits));
    } catch (error) {
      const failure = dnsFailure(error);
      if (saysNo(error)) {
        answered(hostname, tenant);
        return known.keep(hostname, failed(failure, after(limits.nameAbsentMs)));
      }
      if (before !== undefined && before.usableUntil > clock.monotonic()) {
        void outage.isOurs(question, failure);
        return known.keep(hostname, {
          ...before,
          freshUntil: Math.min(after(limits.nameTroubleMs), before.usableUntil),
        });
      }
      if (!(await outage.isOurs(question, failure)))
        return known.keep(hostname, failed(failure, after(limits.nameTroubleMs)));
      const ours = new EgressError(failure.failure.code, 'ours', 'no name can be resolved here', { cause: error });
      // If name servers answer again, the next one who wants the name asks.
      return known.keep(hostname, failed(ours, after(outage.isFailing() ? limits.nameTroubleMs : 0)));
    }
  }

  function isUsable({ freshUntil, usableUntil }: Known): boolean {
    const until = outage.isFailing() ? Math.max(freshUntil, usableUntil) : freshUntil;
    return until > clock.monotonic();
  }

  return {
    async resolve(hostname, tenant) {
      const remembered = known.get(hostname);
      const found = remembered !== undefined && isUsable(remembered) ? remembered : await asking.ask(hostname, tenant);
      if (found.failure !== null) throw found.failure;
      return found.addresses;
    },
    blame: (hostname) =>
      asking.of(hostname)?.then(({ failure }) => (failure?.failure.owner === 'ours' ? failure.failure : undefined)),
    isFailing: outage.isFailing,
    onChange: outage.onChange,
    close: outage.close,
  };
}

/** Whoever wants a name while it is asked about shares the answer. */
function createAsking(askAbout: (hostname: string, tenant?: string) => Promise<Known>) {
  const asking = new Map<string, Promise<Known>>();
  return {
    of: (hostname: string): Promise<Known> | undefined => asking.get(hostname),
    ask(hostname: string, tenant?: string): Promise<Known> {
      let asked = asking.get(hostname);
      if (asked === undefined) {
        asked = askAbout(hostname, tenant).finally(() => asking.delete(hostname));
        asking.set(hostname, asked);
      }
      return asked;
    },
  };
}

/** What is known of names: of no more than `namesMax`, or the oldest is forgotten. */
function createMemory(namesMax: number) {
  const known = new Map<string, Known>();
  return {
    get: (hostname: string): Known | undefined => known.get(hostname),
    keep(hostname: string, what: Known): Known {
      known.delete(hostname);
      known.set(hostname, what);
      const [oldest] = known.keys();
      if (known.size > namesMax && oldest !== undefined) known.delete(oldest);
      return what;
    },
    forgetOurFailures(): void {
      for (const [name, { failure }] of known) if (failure?.failure.owner === 'ours') known.delete(name);
    },
  };
}

function boundedBy(mostMs: number, clock: Clock, ask: AskName): AskName {
  return (hostname) => {
    const timeout = Promise.withResolvers<never>();
    const cancel = clock.after(mostMs, () => timeout.reject(timedOut(mostMs)));
    return Promise.race([ask(hostname), timeout.promise]).finally(cancel);
  };
}

function given({ addresses, ttlMs }: NameAnswer, now: number, limits: EgressLimits): Known {
  const { nameFreshMinMs: least, nameFreshMaxMs: most } = limits;
  const freshUntil = now + Math.min(Math.max(ttlMs, least), most);
  return { addresses: addresses.slice(0, addressesKeptMax), failure: null, freshUntil, usableUntil: now + most };
}

function failed(failure: EgressError, freshUntil: number): Known {
  return { addresses: [], failure, freshUntil, usableUntil: 0 };
}

function timedOut(afterMs: number): Error {
  return Object.assign(new Error(`no answer within ${afterMs} ms`), { code: 'ETIMEOUT' });
}
