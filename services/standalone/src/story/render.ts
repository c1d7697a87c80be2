import { stripVTControlCharacters } from 'node:util';
import { plainEnum } from '@postrider/core';
import type { ReceivedRequest } from '@postrider/cli';
import type { Attempt } from '@postrider/contract/postrider/v1/attempt';
import type { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import type { Delivery } from '@postrider/contract/postrider/v1/delivery';
import type { Paint } from '../screen.ts';
import type { PublishedEvent } from './publish.ts';
import type { Scene } from './resources.ts';
import { shownMs, timeOfDay } from './times.ts';
import type { Found, Place } from './topic-watch.ts';

/** Characters before the time of a step. */
const stepWidth = 90;

/** One line of a numbered step: what happened, and how long it took. */
export function stepLine(paint: Paint, number: number, what: string, ms: number): string {
  const gap = ' '.repeat(Math.max(1, stepWidth - stripVTControlCharacters(what).length));
  return `${paint('cyan', `  ${number}  `)}${what}${gap}${paint('dim', shownMs(ms).padStart(8))}`;
}

const indented = (text: string): string => `     ${text}`;

/** Where a record stands. */
export function placeText({ topic, partition, offset }: Omit<Place, 'timestamp'>): string {
  return `${topic}, partition ${partition}, offset ${offset}`;
}

export function sceneLines({ endpoint, subscription }: Scene): string[] {
  return [
    `${endpoint.name}  ${endpoint.uid}  ${endpoint.url}`,
    `${subscription.name}  ${subscription.eventTypes.join(', ')}`,
  ].map(indented);
}

export function eventLine(event: PublishedEvent): string {
  return indented(`${event.type}, id ${event.id}, ${Buffer.byteLength(event.body)} bytes`);
}

export function deliveryLine({ value }: Found<Delivery>): string {
  return indented(value.deliveryId);
}

/** The request line and headers as the attempt has them, and the body as it arrived. */
export function requestLines(paint: Paint, attempt: Attempt, request: ReceivedRequest): string[] {
  const { host, pathname, search } = new URL(attempt.url);
  const headers = [{ name: 'host', value: host }, ...attempt.requestHeaders];
  return [
    `POST ${pathname}${search} HTTP/1.1`,
    ...headers.map(({ name, value }) => `${paint('dim', `${name}:`)} ${value}`),
    request.body,
  ].map(indented);
}

/** What the receiver made of it. */
export function verificationText(paint: Paint, { signature, status }: ReceivedRequest): string {
  const verdict = paint(signature === 'valid' ? 'green' : 'red', signature);
  return `The receiver answered ${status}; the official standardwebhooks verifier calls the signature ${verdict}`;
}

/** An attempt, when it was due, what came of it, and where the delivery waits for the next one. */
export function attemptLine(paint: Paint, attempt: Attempt, dueAt: Date | undefined, row: Place | undefined): string {
  const started = attempt.startedAt ?? new Date(0);
  const late = dueAt === undefined ? '' : `, ${shownMs(started.getTime() - dueAt.getTime())} after it was due`;
  const outcome = `${attempt.status === 0 ? attempt.code : attempt.status} ${plainEnum(attempt.outcome, 'OUTCOME')}`;
  const head = `  attempt ${attempt.number}   ${timeOfDay(started)}${late}: ${paint('yellow', outcome)}`;
  const decision = attempt.decision?.decision;
  if (decision?.$case !== 'retry' || row === undefined) return `${head}, given up`;
  const due = decision.value.dueAt ?? new Date(0);
  return `${head}\n              due again ${timeOfDay(due)}, waits in ${placeText(row)}`;
}

export function deadLetterLine(paint: Paint, { value, place }: Found<DeadLetter>): string {
  const attempts = value.lastAttempt?.number ?? 0;
  return `  ${paint('red', 'dead letter')} ${placeText(place)}: ${plainEnum(value.reason, 'DEAD_REASON')} after ${attempts} attempts`;
}

/** A request that arrived when the story was over. */
export function laterLine(
  paint: Paint,
  { endpoint }: Scene,
  { time, headers, signature, status }: ReceivedRequest,
): string {
  const verdict = paint(signature === 'valid' ? 'green' : 'red', `signature ${signature}`);
  const what = `${headers['postrider-event-type'] ?? 'a request'}, attempt ${headers['postrider-attempt'] ?? '?'}`;
  return `${paint('dim', timeOfDay(new Date(time)))}  ${endpoint.name} received ${what}: ${verdict}, answered ${status}`;
}
