import { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import { DEAD_LETTER_HEADER, header, retryTiers } from '@postrider/kafka';
import { publishEvent } from './publish.ts';
import { startReceiver } from './receiver.ts';
import * as render from './render.ts';
import { createScene, ensureTenant, removeEndpoint } from './resources.ts';
import { findAttempt, findDelivery, findRow, type Stage, type Told } from './stage.ts';
import type { Found } from './topic-watch.ts';

const endpointId = 'failing';
const delaysSeconds = [1, 2];
const status = 500;

/** Tells how a delivery to a failing endpoint is repeated and given up; rejects when that does not happen. */
export async function tellGivenUp(stage: Stage, port: number): Promise<Told> {
  const { rpc, kafka, topicPrefix, screen, keep, signal } = stage;
  const { paint, line } = screen;
  await removeEndpoint(rpc, endpointId);
  const delays = delaysSeconds.map((seconds) => ({ seconds: BigInt(seconds), nanos: 0 }));
  const scene = await createScene(rpc, await ensureTenant(rpc), {
    endpointId,
    url: `http://127.0.0.1:${port}/refunds`,
    eventTypes: ['refund.*'],
    retryPolicy: { schedule: { $case: 'delays', value: { delays } }, jitter: 0, retrySpan: undefined },
  });
  const receiver = keep.use(await startReceiver(port, scene.endpoint.signingSecret, status, signal));
  const schedule = delaysSeconds.map((seconds) => `${seconds} s`).join(', then ');
  line(
    `${paint('bold', 'An endpoint fails')} and is tried again: ${scene.endpoint.name} answers ${status}; after ${schedule}`,
  );

  const event = await publishEvent(kafka, topicPrefix, 'refund.issued', { refund: 4, amount: '42.00' });
  const { deliveryId } = (await findDelivery(stage, event, scene)).value;
  await tellAttempts(stage, deliveryId);
  const deadLetter = await findDeadLetter(stage, deliveryId);
  line(render.deadLetterLine(paint, deadLetter));
  return { scene, receiver };
}

async function tellAttempts(stage: Stage, deliveryId: string): Promise<void> {
  const { paint, line } = stage.screen;
  let dueAt: Date | undefined;
  for (let number = 1; ; number += 1) {
    const { value: attempt } = await findAttempt(stage, deliveryId, number);
    const decision = attempt.decision?.decision;
    const tier = retryTiers.find((each) => decision?.$case === 'retry' && each === decision.value.tier);
    const row = tier === undefined ? undefined : await findRow(stage, tier, deliveryId, number);
    line(render.attemptLine(paint, attempt, dueAt, row?.place));
    if (decision?.$case === 'dead') return;
    if (decision?.$case !== 'retry') throw new Error(`attempt ${number} of the failing endpoint ended otherwise`);
    ({ dueAt } = decision.value);
  }
}

function findDeadLetter({ watch }: Stage, deliveryId: string): Promise<Found<DeadLetter>> {
  return watch.find(['dead-letters'], (record) => {
    const encoded = header(record, DEAD_LETTER_HEADER);
    const letter = encoded === undefined ? null : DeadLetter.decode(encoded);
    return letter?.delivery?.deliveryId === deliveryId ? letter : null;
  });
}
