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
  const created = 'Tenant, endpoint and subscription are created over gRPC';
  line(render.stepLine(paint, 1, created, performance.now() - began));
  show(render.sceneLines(scene));
  const receiver = keep.use(await startReceiver(port, scene.endpoint.signingSecret, 200, signal));

  const publishing = performance.now();
  const event = await publishEvent(kafka, topicPrefix, 'order.paid', { order: 17, amount: '42.00' });
  const published = `The event is on its topic: ${render.placeText(event.ack)}`;
  line(render.stepLine(paint, 2, published, performance.now() - publishing));
  line(render.eventLine(event));

  const delivery = await findDelivery(stage, event, scene);
  const onTopic = delivery.value.source?.timestamp?.getTime() ?? delivery.place.timestamp;
  const routed = `The router has written its delivery: ${render.placeText(delivery.place)}`;
  line(render.stepLine(paint, 3, routed, delivery.place.timestamp - onTopic));
  line(render.deliveryLine(delivery));

  const { value: attempt } = await findAttempt(stage, delivery.value.deliveryId, 1);
  const started = attempt.startedAt?.getTime() ?? delivery.place.timestamp;
  const request = await findRequest(receiver, delivery.value.webhookId);
  line(render.stepLine(paint, 4, 'The dispatcher has sent the request', started - delivery.place.timestamp));
  show(render.requestLines(paint, attempt, request));

  const took = durationMs(attempt.timings?.total);
  line(render.stepLine(paint, 5, render.verificationText(paint, request), took));
  if (attempt.decision?.decision?.$case !== 'done' || request.signature !== 'valid')
    throw new Error(`the event was not delivered: ${attempt.outcome} ${attempt.code}, signature ${request.signature}`);
  line(`     ${paint('green', 'delivered')} ${shownMs(started + took - onTopic)} after the event was on its topic`);
  return { scene, receiver };
}
