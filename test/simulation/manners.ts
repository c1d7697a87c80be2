import type { SendRequest, SendResult } from '@postrider/dispatcher';
import { HOUR, MINUTE, type Manner, type Plan } from './plan.ts';
import type { Random } from './random.ts';

/** When those break that do, and for an hour. */
const BREAKS_AT_MS = 20 * MINUTE;
/** What a laborious endpoint takes for a request that it does not fail. */
const LABOUR_MS = 2_000;

/** What an endpoint does with one request. */
export interface Reply {
  readonly afterMs: number;
  readonly result: SendResult;
  /** It takes the event and says so, and the answer gets lost. */
  readonly answerLost?: boolean;
  /** It asks not to be sent anything for so long. */
  readonly pauseMs?: number;
}

/** How the endpoints of a seed treat requests. */
export interface Manners {
  readonly replyOf: (id: string, request: SendRequest) => Reply;
  /** From now on every endpoint takes what it gets. */
  readonly recover: () => void;
}

/** Manners by plan; what the plan leaves open is drawn. */
export function createManners(plan: Plan, random: Random, elapsed: () => number): Manners {
  const manners = new Map(plan.endpoints.map(({ id, manner }) => [id, manner]));
  const downUntil = new Map(plan.endpoints.map(({ id }) => [id, random.int(0, 12) * HOUR]));
  const goneAt = new Map(plan.endpoints.map(({ id }) => [id, random.int(0, 24) * HOUR]));
  const asked = new Set<string>();
  let recovered = false;
  return {
    recover: () => void (recovered = true),
    replyOf(id, request) {
      const manner = manners.get(id) ?? 'good';
      if (recovered && manner !== 'dead' && manner !== 'gone') return respond(200, random.int(1, 50));
      if (manner === 'breaks')
        return elapsed() < BREAKS_AT_MS || elapsed() > BREAKS_AT_MS + HOUR ? respond(200, 5) : refused();
      if (manner === 'down') return elapsed() < (downUntil.get(id) ?? 0) ? refused() : respond(200, 5);
      if (manner === 'reluctant' || manner === 'laborious') {
        const isFirst = !asked.has(id);
        asked.add(id);
        return isFirst || manner === 'reluctant'
          ? respond(isFirst ? 500 : 200, random.int(1, 50))
          : respond(200, LABOUR_MS);
      }
      if (manner === 'gone')
        return elapsed() > (goneAt.get(id) ?? 0) ? { ...respond(410, 5), pauseMs: Infinity } : respond(200, 5);
      return replies[manner](random, request);
    },
  };
}

const replies: Readonly<
  Record<
    Exclude<Manner, 'down' | 'gone' | 'reluctant' | 'laborious' | 'breaks'>,
    (random: Random, request: SendRequest) => Reply
  >
> = {
  good: (random) => respond(200, random.int(1, 50)),
  flaky: (random) =>
    random.chance(0.4)
      ? respond(random.pick([500, 502, 503, 404]), random.int(1, 200))
      : respond(200, random.int(1, 50)),
  failing: () => respond(500, 2),
  'slow-failing': (random) => respond(500, random.int(200, 5_000)),
  dead: (random) => respond(random.pick([500, 403]), random.int(1, 20)),
  slow: (random, { totalDeadlineMs }) => respond(200, random.int(100, totalDeadlineMs - 100)),
  hang: (random, { totalDeadlineMs }) => (random.chance(0.3) ? respond(200, 10) : timedOut(totalDeadlineMs)),
  silent: (_random, { totalDeadlineMs }) => timedOut(totalDeadlineMs),
  busy: (random) => (random.chance(0.4) ? overloaded(random.pick([1, 30, 600])) : respond(200, random.int(1, 50))),
  forgetful: (random) =>
    random.chance(0.3) ? { ...refused(), afterMs: random.int(1, 3_000), answerLost: true } : respond(200, 20),
};

function respond(status: number, afterMs: number, headers: readonly string[] = []): Reply {
  const result: SendResult = {
    kind: 'response',
    status,
    headers,
    timings: { totalMs: afterMs },
    excerpt: Buffer.from('ok'),
    sourceAddress: '192.0.2.1',
  };
  return { afterMs, result };
}

function overloaded(pauseSeconds: number): Reply {
  return { ...respond(429, 5, ['retry-after', String(pauseSeconds)]), pauseMs: pauseSeconds * 1_000 };
}

/** Nobody listens. */
export const refused = (): Reply => ({ afterMs: 2, result: failed('ECONNRESET', 'endpoint') });
/** Nobody answers. */
export const timedOut = (afterMs: number): Reply => ({
  afterMs,
  result: failed('total_timeout', 'endpoint', afterMs),
});

/** A request without an answer. */
export function failed(code: string, owner: 'endpoint' | 'shutdown', totalMs = 1): SendResult {
  return { kind: 'failure', code, owner, message: 'as the simulation says', timings: { totalMs } };
}
