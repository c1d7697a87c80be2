import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanKind, SpanStatusCode, trace, type Context, type SpanOptions, type Tracer } from '@opentelemetry/api';
import { createSpans, spansTo, type SpanFields } from './spans.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const fields: SpanFields = {
  name: 'postrider attempt',
  kind: 'client',
  traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
  tracestate: 'a=b',
  linked: false,
  startedAt: 1_000,
  endedAt: 1_250,
  attributes: { 'postrider.attempt': 1 },
};

/** What a tracer was asked for; only what the port uses of it exists. */
function recorder() {
  const spans: { name: string; options: SpanOptions; parent: string | undefined; status?: unknown; end?: unknown }[] =
    [];
  const startSpan = (name: string, options: SpanOptions, context: Context) => {
    const span: (typeof spans)[number] = { name, options, parent: trace.getSpanContext(context)?.traceId };
    spans.push(span);
    return { setStatus: (status: unknown) => (span.status = status), end: (time: unknown) => (span.end = time) };
  };
  return { spans, to: spansTo({ startSpan } as unknown as Tracer) };
}

test('a span belongs to the producer’s trace, with its times, kind and what went wrong', () => {
  const { spans, to } = recorder();
  to.add({ ...fields, problem: 'connection_refused' });
  assert.deepEqual(spans, [
    {
      name: 'postrider attempt',
      options: { kind: SpanKind.CLIENT, startTime: 1_000, attributes: fields.attributes },
      parent: traceId,
      status: { code: SpanStatusCode.ERROR, message: 'connection_refused' },
      end: 1_250,
    },
  ]);
});

test('a linked span begins a trace of its own and names the producer’s', () => {
  const { spans, to } = recorder();
  to.add({ ...fields, linked: true });
  assert.equal(spans[0]?.parent, undefined);
  assert.equal(spans[0]?.options.links?.[0]?.context.traceId, traceId);
  assert.equal(spans[0]?.options.links?.[0]?.context.traceState?.get('a'), 'b');
});

test('what the producer does not sample is not traced when it is repeated either', () => {
  const { spans, to } = recorder();
  const traceparent = fields.traceparent.replace(/01$/, '00');
  to.add({ ...fields, traceparent, linked: true });
  assert.deepEqual(spans, []);
  to.add({ ...fields, traceparent: fields.traceparent.replace(/01$/, '03'), linked: true });
  assert.equal(spans.length, 1);
});

test('without a trace context there is no span, and without a collector nothing is on', () => {
  const { spans, to } = recorder();
  for (const traceparent of ['', 'junk', `00-${traceId}`]) to.add({ ...fields, traceparent });
  assert.deepEqual(spans, []);
  assert.equal(createSpans().on, false);
});
