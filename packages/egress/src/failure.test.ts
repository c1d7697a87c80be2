import assert from 'node:assert/strict';
import { AssertionError } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { errors } from 'undici';
import { EgressError, exchangeFailure, tlsFailure } from './failure.ts';

const shown = (error: unknown): string => {
  const { code, owner } = exchangeFailure(error);
  return `${code} ${owner}`;
};
const withCode = (code: string): Error => Object.assign(new Error(code), { code });

const rows: [string, unknown, string][] = [
  ['a cause of our own is kept', new EgressError('blocked_address', 'ours', 'x'), 'blocked_address ours'],
  ['an assertion inside the client', new AssertionError({ message: 'statusCode >= 100' }), 'protocol_error endpoint'],
  ['headers too long', new errors.HeadersOverflowError(), 'headers_too_large endpoint'],
  [
    'a parser error',
    Object.assign(new errors.HTTPParserError('x'), { code: 'HPE_INVALID_STATUS' }),
    'protocol_error endpoint',
  ],
  ['closed without an answer', new errors.SocketError('other side closed'), 'connection_closed endpoint'],
  ['an interim answer out of place', new errors.SocketError('bad response'), 'protocol_error endpoint'],
  ['an argument the client refuses', new errors.InvalidArgumentError('x'), 'internal ours'],
  ['the client closed under us', new errors.ClientDestroyedError('x'), 'aborted shutdown'],
  ['a reset', withCode('ECONNRESET'), 'connection_reset endpoint'],
  ['a broken pipe', withCode('EPIPE'), 'connection_reset endpoint'],
  ['no file descriptors', withCode('EMFILE'), 'internal ours'],
  ['an alert after the handshake', withCode('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'tls_protocol endpoint'],
  ['an unknown error', withCode('EWHATEVER'), 'protocol_error endpoint'],
];
for (const [what, error, expected] of rows) test(`${what} → ${expected}`, () => assert.equal(shown(error), expected));

test('whatever is thrown has a cause, and no text of it gets into the message', () => {
  fc.assert(
    fc.property(fc.anything(), (thrown) => {
      const { message } = exchangeFailure(thrown);
      assert.ok(
        message.length > 0 && message.length < 200 + String((thrown as { code?: unknown } | null)?.code ?? '').length,
      );
    }),
  );
  assert.ok(!exchangeFailure(new Error('authorization: hunter2')).message.includes('hunter2'));
});

test('a connection closed in the handshake is no certificate problem', () => {
  assert.equal(tlsFailure(withCode('ECONNRESET')).failure.code, 'connection_closed');
  const reset = Object.assign(withCode('ECONNRESET'), { syscall: 'read' });
  assert.equal(tlsFailure(reset).failure.code, 'connection_reset');
  assert.equal(tlsFailure(withCode('CERT_HAS_EXPIRED')).failure.message, 'TLS failed: CERT_HAS_EXPIRED');
});

test('a cause has no stack trace, and errors made after it have theirs', () => {
  assert.equal(new EgressError('connect_timeout', 'endpoint', 'x').stack, 'EgressError: x');
  assert.match(new Error('y').stack ?? '', /failure\.test/);
});
