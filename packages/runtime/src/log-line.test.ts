import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import { isoTime, quickLines } from './log-line.ts';

function linesOf(isQuick: boolean, fields: object, message: string): string {
  let text = '';
  const timestamp = () => ',"time":"now"';
  const formatters = { level: (label: string) => ({ level: label }), log: hideKey };
  const serializers = { error: (error: unknown) => `shown ${String(error)}` };
  const options = { base: { name: 'a' }, messageKey: 'message', timestamp, formatters, serializers };
  const root = pino(options, { write: (line) => void (text += line) });
  if (isQuick) quickLines(root, new Set(['key']));
  root.info(fields, message);
  root.child({ epoch: 7, text: 'ü"' }).warn(fields, message);
  return text;
}

function hideKey(fields: Record<string, unknown>): Record<string, unknown> {
  return 'key' in fields ? { ...fields, key: '[secret]' } : fields;
}

const name = fc.oneof(fc.constantFrom('key', 'error', 'err', 'message', 'a', 'b'), fc.string({ unit: 'binary' }));
const plain = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(null, undefined),
);
const other = fc.oneof(fc.date(), fc.bigInt(), fc.object(), fc.func(fc.nat()), fc.constant(new Error('an error')));

test('lines are what the library writes, whatever is logged', () => {
  const value = fc.oneof({ weight: 9, arbitrary: plain }, { weight: 1, arbitrary: other });
  fc.assert(
    fc.property(fc.dictionary(name, value, { maxKeys: 8 }), fc.string({ unit: 'binary' }), (fields, message) => {
      assert.equal(linesOf(true, fields, message), linesOf(false, fields, message));
    }),
    { numRuns: 500 },
  );
});

test('lines of plain values are not the library’s', () => {
  const root = pino({}, { write: () => undefined });
  const asJson = pino.symbols.asJsonSym as unknown as keyof typeof root;
  let calls = 0;
  Object.assign(root, { [asJson]: () => String((calls += 1)) });
  quickLines(root, new Set(['key']));
  root.info({ tenant: 'acme', number: 1, dueAt: undefined, reason: null }, 'delivery.attempted');
  root.child({ a: 1 }).info({}, 'partition.serving');
  assert.equal(calls, 0);
  root.info({ key: 'a' }, 'a name that is looked at');
  assert.equal(calls, 1);
});

test('the time of a line is that of its millisecond', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000 });
  assert.equal(isoTime(), ',"time":"1970-01-01T00:00:01.000Z"');
  t.mock.timers.setTime(1_000.4);
  assert.equal(isoTime(), ',"time":"1970-01-01T00:00:01.000Z"');
  t.mock.timers.setTime(1_001);
  assert.equal(isoTime(), ',"time":"1970-01-01T00:00:01.001Z"');
});
