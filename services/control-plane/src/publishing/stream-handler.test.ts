/** Doubles: the stream of a client, Kafka's answers, the clock. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { EventValidation, PublishedEvent } from '@postrider/contract/postrider/v1/event_service';
import { PostriderError } from '@postrider/core';
import { createFakeClock, type FakeClock } from '@postrider/kafka/testing';
import { createCallRates } from '../call-rates.ts';
import { serverLimits } from '../server-limits.ts';
import { createCheckDescribed } from './described-types.ts';
import { createPublishRates } from './publish-rates.ts';
import { createStreamHandler } from './stream-handler.ts';
import type { ServiceError } from '@grpc/grpc-js';
import type { PublishEventStreamResponse } from '@postrider/contract/postrider/v1/event_service';
import type { Published } from './publisher.ts';

type Callback = (error: Partial<ServiceError> | null, answer?: PublishEventStreamResponse | null) => void;

/** A handler whose publisher does what `publish` says. */
function world(publish: (count: number) => Promise<readonly Published[]>) {
  const clock: FakeClock = createFakeClock();
  const finished: number[] = [];
  const publishing = {
    publisher: {
      partitions: () => Promise.resolve(1),
      checkRoom: () => {},
      publish: (records: readonly unknown[]) => publish(records.length),
    },
    rates: createPublishRates(clock),
    checkDescribed: createCheckDescribed(),
    bodyBytesMax: 1_024,
    events: { eventsPublished: () => {} },
  };
  const snapshot = { revision: '7', tenant: () => ({ tenant: { name: 'tenants/acme' } }), eventType: () => undefined };
  const who = { role: 'publisher' };
  const context = {
    ...{ clock, publishing, view: { snapshot: () => snapshot }, audit: { within: () => ({}) } },
    showing: { shownBy: ({ tenant }: Caller) => tenant },
    authenticate(tenant: Caller['tenant']) {
      if (tenant === null) throw new PostriderError('unauthenticated', 'nobody knows it');
      return { actor: 'api-key/a', grants: [{ role: who.role, tenant }] };
    },
  };
  const events = { callFinished: ({ code }: { readonly code: number }) => void finished.push(code) };
  const handle = createStreamHandler(context as never, events as never, createCallRates(clock));
  return { clock, who, finished, open: (tenant: Caller['tenant'] = '') => open(handle as never, tenant) };
}

interface Caller {
  /** In which it may publish; empty: in all of them; null: it is not known. */
  readonly tenant: string | null;
}

function open(handle: (call: never, callback: Callback) => void, tenant: Caller['tenant']) {
  const call = Object.assign(new Readable({ objectMode: true, read() {} }), { cancelled: false, tenant });
  const answered = Promise.withResolvers<{
    readonly code: number;
    readonly answer?: PublishEventStreamResponse | null;
  }>();
  handle(call as never, (error, answer) =>
    answered.resolve({ code: error?.code ?? status.OK, answer: answer ?? null }),
  );
  const event = PublishedEvent.fromPartial({ id: '1', source: '/a', type: 'b' });
  return {
    call,
    send: (count = 1) =>
      void call.push({ parent: 'tenants/acme', events: Array(count).fill(event), validation: EventValidation.NONE }),
    end: () => void call.push(null),
    answered: answered.promise,
  };
}

const allPublished = (count: number): Promise<readonly Published[]> => Promise.resolve(Array<null>(count).fill(null));

test('what there is no room for waits, and the stream is not read meanwhile', async () => {
  let room = false;
  const { clock, open: begin } = world((count) => {
    if (!room) throw new PostriderError('limit_reached', 'full', { retryAfterMs: 1_000 });
    return allPublished(count);
  });
  const stream = begin();
  for (let part = 0; part < 3; part += 1) stream.send(2);
  stream.end();
  await clock.advance(5 * serverLimits.streamIdleMs);
  // Two parts stand in the stream still, and waiting for room is not idling.
  assert.ok(stream.call.readableLength >= 1);
  room = true;
  await clock.advance(1_000);
  const { code, answer } = await stream.answered;
  assert.deepEqual([code, answer?.published, answer?.failed], [status.OK, 6n, 0n]);
});

test('what there is no room for costs its tenant nothing of its rate', async () => {
  const quota = serverLimits.publishedPerSecondDefault;
  let full = true;
  let asked = 0;
  const { clock, open: begin } = world((count) => {
    asked += 1;
    if (full) throw new PostriderError('limit_reached', 'full', { retryAfterMs: 1 });
    return allPublished(count);
  });
  const stream = begin();
  stream.send(1_000);
  stream.end();
  for (let tried = 0; tried < (2 * quota) / 1_000; tried += 1) await clock.advance(1);
  assert.ok(asked > quota / 1_000, `${asked}`);
  full = false;
  await clock.advance(1);
  assert.equal((await stream.answered).answer?.published, 1_000n);
});

test('so many parts are read ahead of Kafka’s answers at most', async () => {
  const open: ((published: readonly Published[]) => void)[] = [];
  const { clock, open: begin } = world((count) => {
    const { promise, resolve } = Promise.withResolvers<readonly Published[]>();
    open.push(() => resolve(Array<null>(count).fill(null)));
    return promise;
  });
  const stream = begin();
  for (let part = 0; part < 40; part += 1) stream.send();
  stream.end();
  await clock.advance(1);
  assert.equal(open.length, serverLimits.streamPartsAheadMax);
  open[0]?.([]);
  await clock.advance(1);
  assert.equal(open.length, serverLimits.streamPartsAheadMax + 1);
  for (let part = 1; part < 40; part += 1) {
    open[part]?.([]);
    await clock.advance(1);
  }
  assert.equal((await stream.answered).answer?.published, 40n);
});

test('a stream that sends nothing is ended, one that its client gives up is forgotten, and both make room for others', async () => {
  const { clock, finished, open: begin } = world(allPublished);
  const all = Array.from({ length: serverLimits.publishStreamsMax }, () => begin());
  const refused = await begin().answered;
  assert.equal(refused.code, status.RESOURCE_EXHAUSTED);
  const [first, ...others] = all;
  assert.ok(first !== undefined);
  first.send();
  await clock.advance(1);
  first.call.cancelled = true;
  first.call.emit('cancelled', 'cancelled');
  await clock.advance(1);
  assert.equal(finished.at(-1), status.CANCELLED);
  const next = begin();
  next.send();
  next.end();
  assert.equal((await next.answered).code, status.OK);
  await clock.advance(serverLimits.streamIdleMs);
  for (const other of others) assert.equal((await other.answered).code, status.UNAVAILABLE);
});

test('whoever is not known has no place, whatever it opens', async () => {
  const { open: begin } = world(allPublished);
  const strangers = Array.from({ length: serverLimits.publishStreamsMax + 1 }, () => begin(null));
  const stream = begin();
  stream.send();
  stream.end();
  assert.equal((await stream.answered).code, status.OK);
  for (const stranger of strangers) assert.equal((await stranger.answered).code, status.UNAUTHENTICATED);
});

test('who may publish nowhere is refused at once, and has no place either', async () => {
  const { who, open: begin } = world(allPublished);
  who.role = 'operator';
  const operators = Array.from({ length: serverLimits.publishStreamsMax + 1 }, () => begin());
  for (const { answered } of operators) assert.equal((await answered).code, status.PERMISSION_DENIED);
  who.role = 'publisher';
  const stream = begin();
  stream.send();
  stream.end();
  assert.equal((await stream.answered).code, status.OK);
});

test('a tenant’s streams leave places to the others', async () => {
  const { open: begin } = world(allPublished);
  const own = Array.from({ length: serverLimits.publishStreamsMax }, () => begin('acme'));
  const stream = begin('globex');
  stream.send();
  stream.end();
  // The tenant that it sends for is not its own; but it is heard.
  assert.equal((await stream.answered).code, status.NOT_FOUND);
  for (const refused of own.slice(serverLimits.publishStreamsPerTenantMax))
    assert.equal((await refused.answered).code, status.RESOURCE_EXHAUSTED);
  const [first] = own;
  first?.send();
  first?.end();
  assert.equal((await first?.answered)?.code, status.OK);
  const next = begin('acme');
  next.send();
  next.end();
  assert.equal((await next.answered).code, status.OK);
});
