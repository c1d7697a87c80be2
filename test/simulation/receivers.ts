import type { Send, SendRequest, SendResult } from '@postrider/dispatcher';
import type { FakePort } from '@postrider/kafka/testing';
import { HOUR, MINUTE, type Manner, type Plan } from './plan.ts';
import { randomOf, type Random } from './random.ts';
import type { Case } from './referee/case.ts';
import { createBreakers } from './referee/breakers.ts';
import { createPauses, type PausesOptions } from './referee/pauses.ts';
import type { Reach } from './referee/reach.ts';
import type { Referee } from './referee/referee.ts';

/** When those break that do, and for an hour. */
export const BREAKS_AT_MS = 20 * MINUTE;
const CONNECT_MS = 5_000;

/** What an endpoint does with one request. */
interface Reply {
  readonly afterMs: number;
  readonly result: SendResult;
  /** It takes the event and says so, and the answer gets lost. */
  readonly answerLost?: boolean;
  /** It asks not to be sent anything for so long. */
  readonly pauseMs?: number;
}

/** A request that has arrived. */
interface Arrived {
  readonly port: FakePort;
  readonly process: string;
  readonly request: SendRequest;
  /** Virtual ms since the start. */
  readonly leftAt: number;
  readonly one: Case | undefined;
}

/** The endpoints of a seed. */
export interface Receivers {
  /** A process's way out. */
  sendOf(port: FakePort, process: string): Send;
  /** From now on every endpoint takes what it gets. */
  recover(): void;
}

export interface ReceiversOptions extends PausesOptions {
  readonly plan: Plan;
  readonly referee: Referee;
  readonly reach: Reach;
  readonly trace: (what: string) => void;
  /** A request is about to leave its process. */
  readonly leaves: (process: string, deliveryId: string) => void;
}

/** Endpoints that answer, fail, flap, hang, answer late, ask for pauses, and take things without saying so. */
export function createReceivers(options: ReceiversOptions): Receivers {
  const { plan, referee, reach, elapsed, trace, leaves } = options;
  const random = randomOf(plan.seed, 'receivers');
  const manners = new Map(plan.endpoints.map(({ id, manner }) => [id, manner]));
  const downUntil = new Map(plan.endpoints.map(({ id }) => [id, random.int(0, 12) * HOUR]));
  const goneAt = new Map(plan.endpoints.map(({ id }) => [id, random.int(0, 24) * HOUR]));
  const asked = new Set<string>();
  const pauses = createPauses(options);
  const breakers = createBreakers({ ...options, wasCutOff: (process) => reach.hasSaid(process) });
  let recovered = false;

  function replyOf(id: string, request: SendRequest): Reply {
    const manner = manners.get(id) ?? 'good';
    if (recovered && manner !== 'dead' && manner !== 'gone') return respond(200, random.int(1, 50));
    if (manner === 'breaks')
      return elapsed() < BREAKS_AT_MS || elapsed() > BREAKS_AT_MS + HOUR ? respond(200, 5) : refused();
    if (manner === 'down') return elapsed() < (downUntil.get(id) ?? 0) ? refused() : respond(200, 5);
    if (manner === 'reluctant') {
      const status = asked.has(id) ? 200 : 500;
      asked.add(id);
      return respond(status, random.int(1, 50));
    }
    if (manner === 'gone')
      return elapsed() > (goneAt.get(id) ?? 0) ? { ...respond(410, 5), pauseMs: Infinity } : respond(200, 5);
    return replies[manner](random, request);
  }

  function answer({ port, process, request, leftAt, one }: Arrived, done: (result: SendResult) => void): void {
    const id = request.path.slice(1);
    const { afterMs, result, answerLost = false, pauseMs = 0 } = replyOf(id, request);
    const taken = answerLost || (result.kind === 'response' && result.status < 300);
    const how = `${taken ? 'taken' : 'not taken'}${answerLost ? ', unsaid' : ''}, ${afterMs} ms`;
    trace(`${process} sends ${one?.deliveryId ?? 'what stands on no topic'} #${one?.lastNumber ?? 0} to ${id}: ${how}`);
    if (one !== undefined) {
      if (taken) referee.succeeded(one, answerLost);
      pauses.left(process, one, leftAt);
      // Of a number that is sent twice nobody can tell which answer a later record speaks of.
      one.askedMs[one.lastNumber] = one.askedMs[one.lastNumber] === undefined ? pauseMs : 0;
    }
    const ended = one === undefined ? undefined : breakers.left(process, one, leftAt);
    port.clock.after(afterMs, () =>
      port.io(() => {
        if (one !== undefined && pauseMs > 0) pauses.asked(process, one, pauseMs);
        ended?.(result);
        done(result);
      }),
    );
  }

  /** It never arrives: the connection is refused on the way, or nothing is heard of it. */
  function lost(port: FakePort, { totalDeadlineMs }: SendRequest, done: (result: SendResult) => void): void {
    const { afterMs, result } = random.chance(0.5) ? refused() : timedOut(Math.min(totalDeadlineMs, CONNECT_MS));
    port.clock.after(afterMs, () => port.io(() => done(result)));
  }

  return {
    recover() {
      recovered = true;
    },
    sendOf: (port, process) => (request, done) => {
      port.io(() => undefined);
      const headers = named(request.headers);
      const deliveryId = headers['postrider-delivery-id'] ?? '';
      leaves(process, deliveryId);
      const leftAt = elapsed();
      reach.left(process);
      if (reach.isCutOff(process)) return lost(port, request, done);
      port.clock.after(random.int(0, 3), () => {
        if (!request.mayStart()) return done(failed('aborted', 'shutdown'));
        const one = referee.arrived({
          process,
          deliveryId,
          number: Number(headers['postrider-attempt']),
          webhookId: headers['webhook-id'] ?? '',
          body: request.body.toString(),
        });
        answer({ port, process, request, leftAt, one }, done);
      });
    },
  };
}

const replies: Readonly<
  Record<Exclude<Manner, 'down' | 'gone' | 'reluctant' | 'breaks'>, (random: Random, request: SendRequest) => Reply>
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

const refused = (): Reply => ({ afterMs: 2, result: failed('ECONNRESET', 'endpoint') });
const timedOut = (afterMs: number): Reply => ({ afterMs, result: failed('total_timeout', 'endpoint') });

function failed(code: string, owner: 'endpoint' | 'shutdown'): SendResult {
  return { kind: 'failure', code, owner, message: 'as the simulation says', timings: { totalMs: 1 } };
}

function named(flat: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < flat.length; at += 2) headers[flat[at] ?? ''] = flat[at + 1] ?? '';
  return headers;
}
