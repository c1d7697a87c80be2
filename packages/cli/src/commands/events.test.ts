/** `postrider events publish` against a played server: what is sent, what is printed, how it exits. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { RetryInfo } from '@postrider/contract/google/rpc/error_details';
import { Status } from '@postrider/contract/google/rpc/status';
import {
  EventServiceService,
  PublishEventsResponse,
  type EventServiceServer,
  type PublishEventsRequest,
} from '@postrider/contract/postrider/v1/event_service';
import { durationOf } from '@postrider/core';
import { cli } from '../test-context.ts';

let asked: PublishEventsRequest[] = [];
/** How often the next call is refused. */
let refusals = 0;

let isFinal = false;

/** How long is to be waited then. */
let retryMs = 5;

/** For its rate; when it is final without saying when to come back. */
function refusal() {
  const value = Buffer.from(RetryInfo.encode({ retryDelay: durationOf(retryMs) }).finish());
  const details = isFinal ? [] : [{ typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value }];
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(Status.encode({ code: 8, message: '', details }).finish()));
  return { code: status.RESOURCE_EXHAUSTED, details: 'too many', metadata };
}
const server = new Server();
let port = 0;

before(async () => {
  const service: Pick<EventServiceServer, 'publishEvents'> = {
    publishEvents({ request }, callback) {
      if (refusals > 0) {
        refusals -= 1;
        return callback(refusal());
      }
      asked.push(request);
      const results = request.events.map(({ id }) =>
        id === 'bad' ? { error: { code: 14, message: 'no answer', details: [] } } : { webhookId: `msg_${id}` },
      );
      callback(null, PublishEventsResponse.fromPartial({ results }));
    },
  };
  server.addService(EventServiceService, { ...service });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error === null ? resolve(bound) : reject(error),
  );
  port = await promise;
});
beforeEach(() => {
  asked = [];
  retryMs = 5;
  isFinal = false;
});
after(() => server.forceShutdown());

const publish = (stdin: string, ...args: string[]) =>
  cli(['events', 'publish', '--tenant', 'acme', ...args, '--server', `127.0.0.1:${port}`, '--api-key', 'good'], {
    stdin,
  });
const line = (id: string, more = ''): string =>
  `{"specversion":"1.0","id":"${id}","source":"/a","type":"order.paid"${more}}`;

test('each line is an event, whose data are sent byte for byte', async () => {
  const data = ',"subject":"7","comexampleid":1,"data":{"n": 9007199254740993}';
  const { exitCode, out } = await publish(`${line('one', data)}\n\n${line('two', ',"data_base64":"AAE="')}`);
  assert.equal(exitCode, 0);
  assert.match(out, /^Published one; its webhook-id is msg_one\.\nPublished two;/);
  const [{ parent, events }] = asked as [PublishEventsRequest];
  assert.equal(parent, 'tenants/acme');
  assert.equal(events[0]?.data.toString(), '{"n": 9007199254740993}');
  assert.deepEqual([events[0]?.subject, { ...events[0]?.extensions }], ['7', { comexampleid: '1' }]);
  assert.deepEqual([...(events[1]?.data ?? [])], [0, 1]);
});

test('what was not published is told, and the exit code says so', async () => {
  const { exitCode, out, err } = await publish(`${line('bad')}\n${line('good')}\n`, '--json');
  assert.equal(exitCode, 1);
  const entries = out
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as unknown);
  assert.deepEqual(entries, [
    {
      ...{ id: 'bad', webhookId: '' },
      error: { code: 'UNAVAILABLE', reason: '', message: 'UNAVAILABLE: no answer', field: '' },
    },
    { id: 'good', webhookId: 'msg_good' },
  ]);
  const { error } = JSON.parse(err) as { error: Record<string, string> };
  assert.deepEqual([error['code'], error['field']], ['FAILED_PRECONDITION', '']);
  assert.match(error['message'] ?? '', /^1 event was not published/);
});

test('what is refused for its rate is sent again when the server says; any other refusal ends it', async () => {
  refusals = 3;
  assert.equal((await publish(line('late'))).exitCode, 0);
  assert.deepEqual(
    asked.map(({ events }) => events.map(({ id }) => id)),
    [['late']],
  );
  isFinal = true;
  refusals = 1;
  const { exitCode, err } = await publish(line('never'));
  assert.deepEqual([exitCode, asked.length], [1, 1]);
  assert.match(err, /RESOURCE_EXHAUSTED: too many/);
});

test('whoever ends it while it waits for its turn is told the refusal, and how much went out', async () => {
  refusals = 1;
  retryMs = 60_000;
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 100);
  const args = ['events', 'publish', '--tenant', 'acme', '--server', `127.0.0.1:${port}`, '--api-key', 'good'];
  const { exitCode, err } = await cli(args, { stdin: line('one'), signal: stop.signal });
  assert.equal(exitCode, 1);
  assert.match(err, /^postrider: RESOURCE_EXHAUSTED: too many Nothing was published\.\n$/);
});

test('what is no event is refused with its line before anything of its call is sent', async () => {
  for (const [text, wanted] of [
    [`${line('one')}\nnot JSON\n`, /Line 2: .*no JSON/],
    ['[]', /Line 1: .*no JSON object/],
    ['{"specversion":"1.0"}', /Line 1: the event has no id/],
    [line('x', ',"tenant":"other"'), /Line 1: .*two tenants/],
  ] as const) {
    const { exitCode, err } = await publish(text);
    assert.deepEqual([exitCode, asked.length], [2, 0], text);
    assert.match(err, wanted);
  }
  assert.match((await publish(`${line('one')}\nno`)).err, /Line 2: .* Nothing was published\.\n$/);
  const many = Array.from({ length: 600 }, (_, n) => line(`e${n}`));
  assert.match((await publish([...many, 'no'].join('\n'))).err, /Line 601: .* Only 500 events before it went out\.\n$/);
  assert.match((await publish('\n')).err, /there was no event in it/);
  assert.equal((await publish('', '--validate', 'maybe')).exitCode, 2);
  assert.match((await publish('', '/no/such/file')).err, /Cannot read \/no\/such\/file/);
});

test('many and large events go out in several calls, none above what a call may hold', async () => {
  const large = `,"data":"${'x'.repeat(200_000)}"`;
  const lines = Array.from({ length: 1_203 }, (_, n) => line(`e${n}`, n < 8 ? large : ''));
  assert.equal((await publish(lines.join('\n'), '--validate', 'strict')).exitCode, 0);
  assert.equal(
    asked.reduce((sum, { events }) => sum + events.length, 0),
    1_203,
  );
  for (const { events, validation } of asked) {
    assert.ok(events.length <= 500);
    assert.ok(events.reduce((sum, { data }) => sum + data.length, 0) <= 768 * 1_024);
    assert.equal(validation, 'EVENT_VALIDATION_STRICT');
  }
});
