import type { Send, SendRequest, SendResult } from '@postrider/dispatcher';
import type { FakePort } from '@postrider/kafka/testing';
import { HOUR, type Manner, type Plan } from './plan.ts';
import { randomOf, type Random } from './random.ts';
import type { Referee } from './referee/referee.ts';

/** What an endpoint does with one request. */
interface Reply {
  readonly afterMs: number;
  readonly result: SendResult;
  /** It takes the event and says so, and the answer gets lost. */
  readonly answerLost?: boolean;
}

/** The endpoints of a seed. */
export interface Receivers {
  /** A process's way out. */
  sendOf(port: FakePort, process: string): Send;
  /** From now on every endpoint takes what it gets. */
  recover(): void;
}

export interface ReceiversOptions {
  readonly plan: Plan;
  readonly referee: Referee;
  /** Virtual ms since the start. */
  readonly elapsed: () => number;
  readonly trace: (what: string) => void;
  /** A request is about to leave its process. */
  readonly leaves: (process: string, deliveryId: string) => void;
}

/** Endpoints that answer, fail, flap, hang, answer late, ask for pauses, and take things without saying so. */
export function createReceivers(options: ReceiversOptions): Receivers {
  const { plan, referee, elapsed, trace, leaves } = options;
  const random = randomOf(plan.seed, 'receivers');
  const manners = new Map(plan.endpoints.map(({ id, manner }) => [id, manner]));
  const downUntil = new Map(plan.endpoints.map(({ id }) => [id, random.int(0, 12) * HOUR]));
  const goneAt = new Map(plan.endpoints.map(({ id }) => [id, random.int(0, 24) * HOUR]));
  let recovered = false;

  function replyOf(id: string, request: SendRequest): Reply {
    const manner = manners.get(id) ?? 'good';
    if (recovered && manner !== 'dead' && manner !== 'gone') return respond(200, random.int(1, 50));
    if (manner === 'down') return elapsed() < (downUntil.get(id) ?? 0) ? refused() : respond(200, 5);
    if (manner === 'gone') return respond(elapsed() > (goneAt.get(id) ?? 0) ? 410 : 200, 5);
    return replies[manner](random, request);
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
      port.clock.after(random.int(0, 3), () => {
        if (!request.mayStart()) return done(failed('aborted', 'shutdown'));
        const number = Number(headers['postrider-attempt']);
        const one = referee.arrived({
          process,
          deliveryId,
          number,
          webhookId: headers['webhook-id'] ?? '',
          body: request.body.toString(),
        });
        const id = request.path.slice(1);
        const { afterMs, result, answerLost = false } = replyOf(id, request);
        const taken = answerLost || (result.kind === 'response' && result.status < 300);
        trace(
          `${process} sends ${deliveryId} #${number} to ${id}: ${taken ? 'taken' : 'not taken'}${answerLost ? ', unsaid' : ''}, ${afterMs} ms`,
        );
        if (taken && one !== undefined) referee.succeeded(one, answerLost);
        port.clock.after(afterMs, () => port.io(() => done(result)));
      });
    },
  };
}

const replies: Readonly<Record<Exclude<Manner, 'down' | 'gone'>, (random: Random, request: SendRequest) => Reply>> = {
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
  busy: (random) =>
    random.chance(0.4)
      ? respond(429, 5, ['retry-after', String(random.pick([1, 30, 600]))])
      : respond(200, random.int(1, 50)),
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
