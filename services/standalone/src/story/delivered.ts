import { publishEvent } from './publish.ts';
import { startReceiver } from './receiver.ts';
import * as render from './render.ts';
import { createScene, ensureTenant, removeEndpoint } from './resources.ts';
import { findAttempt, findDelivery, findRequest, type Stage, type Told } from './stage.ts';
import { durationMs, shownMs } from './times.ts';

const endpointId = 'orders';

/** Tells how an event is delivered; rejects when it is not. */
export async function tellDelivered(stage: Stage, port: number): Promise<Told> {
  const { rpc, kafka, topicPrefix, screen, keep, signal } = stage;
  const { paint, line } = screen;
  const show = (lines: readonly string[]): void => lines.forEach((text) => line(text));
  await removeEndpoint(rpc, endpointId);

  line(paint('bold', 'An event is delivered'));
  const began = performance.now();
  const tenant = await ensureTenant(rpc);
  const scene = await createScene(rpc, tenant, {
    endpointId,
    url: `http://127.0.0.1:${port}/orders`,
    eventTypes: ['order.*'],
  });
  line(render.stepLine(paint, 1, 'Created over gRPC', performance.now() - began));
  show(render.sceneLines(paint, scene));
  const receiver = keep.use(await startReceiver(port, scene.endpoint.signingSecret, 200, signal));

  const published = performance.now();
  const event = await publishEvent(kafka, topicPrefix, 'order.paid', { order: 17, amount: '42.00' });
  line(render.stepLine(paint, 2, 'The event is on its topic', performance.now() - published));
  show(render.eventLines(paint, event));

  const delivery = await findDelivery(stage, event, scene);
  const onTopic = delivery.value.source?.timestamp?.getTime() ?? delivery.place.timestamp;
  line(render.stepLine(paint, 3, 'The router has written its delivery', delivery.place.timestamp - onTopic));
  show(render.deliveryLines(paint, delivery));

  const { value: attempt } = await findAttempt(stage, delivery.value.deliveryId, 1);
  const started = attempt.startedAt?.getTime() ?? delivery.place.timestamp;
  const request = await findRequest(receiver, delivery.value.webhookId);
  line(render.stepLine(paint, 4, 'The dispatcher has sent the request', started - delivery.place.timestamp));
  show(render.requestLines(paint, attempt, request));

  const took = durationMs(attempt.timings?.total);
  line(render.stepLine(paint, 5, 'The receiver has verified and answered it', took));
  line(render.verificationLine(paint, request));
  if (attempt.decision?.decision?.$case !== 'done' || request.signature !== 'valid')
    throw new Error(`the event was not delivered: ${attempt.outcome} ${attempt.code}, signature ${request.signature}`);
  line(`     ${paint('green', 'delivered')}, ${shownMs(started + took - onTopic)} after the event was on its topic`);
  return { scene, receiver };
}
