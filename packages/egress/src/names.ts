import type { Clock } from '@postrider/core';
import { dnsFailure, EgressError } from './failure.ts';
import type { EgressLimits } from './limits.ts';
import { maxAddressesMost } from './policy.ts';
import { saysNo, type AskName, type NameAnswer, type Resolve } from './resolve.ts';

export interface NamesOptions {
  readonly ask: AskName;
  readonly clock: Clock;
  readonly limits: EgressLimits;
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

/** So many names that were answered lately are asked about when another is not. */
const witnessesMax = 3;

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
 * here. So names that were answered lately are asked too. Is one of them answered, the fault is the endpoint's; is none, it
 * is ours, and no endpoint pays for it.
 */
export function createNames({ ask, clock, limits }: NamesOptions): Resolve {
  const known = new Map<string, Known>();
  const asking = new Map<string, Promise<Known>>();
  const witnesses = new Set<string>();
  const isAlive = createWitnessCheck(witnesses, bounded, clock, limits);

  function bounded(hostname: string): Promise<NameAnswer> {
    const timeout = Promise.withResolvers<never>();
    const cancel = clock.after(limits.resolveMs, () => timeout.reject(timedOut(limits.resolveMs)));
    return Promise.race([ask(hostname), timeout.promise]).finally(cancel);
  }

  function keep(hostname: string, what: Known): Known {
    known.delete(hostname);
    known.set(hostname, what);
    const [oldest] = known.keys();
    if (known.size > limits.namesMax && oldest !== undefined) known.delete(oldest);
    return what;
  }

  function answered(hostname: string): void {
    witnesses.delete(hostname);
    witnesses.add(hostname);
    const [oldest] = witnesses;
    if (witnesses.size > witnessesMax && oldest !== undefined) witnesses.delete(oldest);
  }

  async function askAbout(hostname: string): Promise<Known> {
    const before = known.get(hostname);
    try {
      const answer = await bounded(hostname);
      answered(hostname);
      return keep(hostname, given(answer, clock.monotonic(), limits));
    } catch (error) {
      if (saysNo(error)) {
        answered(hostname);
        return keep(hostname, failed(dnsFailure(error), clock.monotonic() + limits.nameAbsentMs));
      }
      const again = clock.monotonic() + limits.nameTroubleMs;
      if (before?.failure === null && before.usableUntil > clock.monotonic()) {
        return keep(hostname, { ...before, freshUntil: Math.min(again, before.usableUntil) });
      }
      const failure = dnsFailure(error);
      const ours = failure.failure.owner === 'ours' || !(await isAlive(hostname));
      const { code } = failure.failure;
      const blamed = ours ? new EgressError(code, 'ours', 'no name can be resolved here', { cause: error }) : failure;
      return keep(hostname, failed(blamed, clock.monotonic() + limits.nameTroubleMs));
    }
  }

  return async (hostname) => {
    let found = known.get(hostname);
    if (found === undefined || found.freshUntil <= clock.monotonic()) {
      let asked = asking.get(hostname);
      if (asked === undefined) {
        asked = askAbout(hostname).finally(() => asking.delete(hostname));
        asking.set(hostname, asked);
      }
      found = await asked;
    }
    if (found.failure !== null) throw found.failure;
    return found.addresses;
  };
}

/** Whether another name than the one that failed is answered now; the verdict holds for `nameTroubleMs`. */
function createWitnessCheck(
  witnesses: ReadonlySet<string>,
  ask: AskName,
  clock: Clock,
  limits: EgressLimits,
): (failedName: string) => Promise<boolean> {
  const verdicts = new Map<string, { readonly since: number; readonly answered: Promise<boolean> }>();
  const answers = (name: string): Promise<boolean> => {
    const last = verdicts.get(name);
    if (last !== undefined && clock.monotonic() - last.since < limits.nameTroubleMs) return last.answered;
    const asked = ask(name).then(() => true, saysNo);
    verdicts.set(name, { since: clock.monotonic(), answered: asked });
    return asked;
  };
  return async (failedName) => {
    for (const name of verdicts.keys()) if (!witnesses.has(name)) verdicts.delete(name);
    const others = [...witnesses].filter((name) => name !== failedName);
    return (await Promise.all(others.map(answers))).some(Boolean);
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
