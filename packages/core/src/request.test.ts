import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeaderValue } from './header-rules.ts';
import { requestHeaders, userAgent, type RequestParts } from './request.ts';

function parts(change: Partial<RequestParts> = {}): RequestParts {
  return {
    webhookId: 'msg_1',
    timestampSeconds: 1_614_265_330,
    signature: 'v1,abc=',
    contentType: 'application/json; charset=utf-8',
    userAgent: userAgent('https://example.com/webhooks'),
    deliveryId: 'dlv_1',
    attemptNumber: 3,
    eventType: 'com.example.order.created',
    hopCount: 0,
    extra: [],
    ...change,
  };
}

function valueOf(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text === name);
  return at < 0 ? undefined : headers[at + 1];
}

test('a request carries the headers of Standard Webhooks and our own', () => {
  assert.deepEqual(requestHeaders(parts({ extra: ['X-Team', 'blue'] })), [
    'user-agent',
    'Postrider/0.1 (+https://example.com/webhooks)',
    'accept',
    '*/*',
    'accept-encoding',
    'identity',
    'postrider-attempt',
    '3',
    'postrider-hop-count',
    '1',
    'content-type',
    'application/json; charset=utf-8',
    'postrider-event-type',
    'com.example.order.created',
    'webhook-timestamp',
    '1614265330',
    'webhook-id',
    'msg_1',
    'webhook-signature',
    'v1,abc=',
    'postrider-delivery-id',
    'dlv_1',
    'X-Team',
    'blue',
  ]);
  assert.equal(userAgent(''), 'Postrider/0.1');
});

test('what stands outside the order that its endpoint asks for is marked, and nothing else', () => {
  assert.equal(valueOf(requestHeaders(parts({ outOfOrder: true })), 'postrider-out-of-order'), 'true');
  assert.equal(valueOf(requestHeaders(parts({ outOfOrder: false })), 'postrider-out-of-order'), undefined);
});

test('no event can add a header or make the request impossible', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a\r\nx-evil: 1', 'a\0', 'a b', 'ä', '🙂', '%41', '"', '\ud800', ' a', 'x'.repeat(9_999)),
  );
  fc.assert(
    fc.property(text, text, (eventType, contentType) => {
      const headers = requestHeaders(parts({ eventType, contentType }));
      assert.equal(headers.length, 22);
      for (const header of headers) assert.ok(isHeaderValue(header), JSON.stringify(header));
    }),
  );
});

test('an event type can be read back from its header', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (eventType) => {
      const header = valueOf(requestHeaders(parts({ eventType })), 'postrider-event-type');
      assert.equal(decodeURIComponent(header ?? ''), eventType);
    }),
  );
  assert.equal(
    valueOf(requestHeaders(parts({ eventType: '100% "ü"' })), 'postrider-event-type'),
    '100%25%20%22%C3%BC%22',
  );
});

test('a content type that is missing or no header value is application/json', () => {
  for (const contentType of ['', 'text/html\r\nx: y', 'ä', ' text/plain', 'a'.repeat(256)]) {
    assert.equal(valueOf(requestHeaders(parts({ contentType })), 'content-type'), 'application/json');
  }
});
