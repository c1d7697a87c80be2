import type { Send, SendRequest, SendResult } from '@postrider/dispatcher';
import type { FakePort } from '@postrider/kafka/testing';
import { createManners, failed, refused, timedOut } from './manners.ts';
import type { Plan } from './plan.ts';
import { randomOf } from './random.ts';
import type { Case } from './referee/case.ts';
import { createBreakers } from './referee/breakers.ts';
import { createPauses, type PausesOptions } from './referee/pauses.ts';
import type { ByHand } from './referee/by-hand.ts';
import { createPromptness } from './referee/promptness.ts';
import type { Reach } from './referee/reach.ts';
import type { Referee } from './referee/referee.ts';

/** A connection that is not made by then is given up. */
const CONNECT_MS = 5_000;

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
  /** A request for the tenant left its process (virtual ms). */
  readonly byHand: Pick<ByHand, 'left'>;
  /** A request is about to leave its process. */
  readonly leaves: (process: string, deliveryId: string) => void;
}

/** Endpoints that answer, fail, flap, hang, answer late, ask for pauses, and take things without saying so. */
export function createReceivers(options: ReceiversOptions): Receivers {
  const { plan, referee, reach, elapsed, trace, leaves } = options;
  const random = randomOf(plan.seed, 'receivers');
  const manners = createManners(plan, random, elapsed);
  const tenants = new Map(plan.endpoints.map(({ id, tenant }) => [id, tenant]));
  const pauses = createPauses(options);
  const judgePromptness = createPromptness(plan, referee);
  const breakers = createBreakers({ ...options, wasCutOff: (process) => reach.hasSaid(process) });

  function answer({ port, process, request, leftAt, one }: Arrived, done: (result: SendResult) => void): void {
    const id = request.path.slice(1);
    const { afterMs, result, answerLost = false, pauseMs = 0 } = manners.replyOf(id, request);
    const taken = answerLost || (result.kind === 'response' && result.status < 300);
    const how = `${taken ? 'taken' : 'not taken'}${answerLost ? ', unsaid' : ''}, ${afterMs} ms`;
    trace(`${process} sends ${one?.deliveryId ?? 'what stands on no topic'} #${one?.lastNumber ?? 0} to ${id}: ${how}`);
    if (one !== undefined) {
      judgePromptness(one, id, port.clock.now());
      if (taken) referee.succeeded(one, answerLost);
      pauses.left(process, one, leftAt);
      // Of a number that is sent twice nobody can tell which answer a later record speaks of.
      const ms = one.asked[one.lastNumber] === undefined ? pauseMs : 0;
      one.asked[one.lastNumber] = { ms, epoch: one.sentInEpoch };
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
    recover: manners.recover,
    sendOf: (port, process) => (request, done) => {
      port.io(() => undefined);
      const headers = named(request.headers);
      const deliveryId = headers['postrider-delivery-id'] ?? '';
      leaves(process, deliveryId);
      const leftAt = elapsed();
      reach.left(process);
      options.byHand.left(process, tenants.get(request.path.slice(1)) ?? '', leftAt);
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

function named(flat: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < flat.length; at += 2) headers[flat[at] ?? ''] = flat[at + 1] ?? '';
  return headers;
}
