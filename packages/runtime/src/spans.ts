import {
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  createTraceState,
  trace,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';

/** One span that has ended already. Values are short and known beforehand: no URLs, no bodies, no secrets. */
export interface SpanFields {
  readonly name: string;
  /** `consumer`: a record was worked on; `client`: a request was made. */
  readonly kind: 'consumer' | 'client';
  /** W3C trace context that it belongs to, as the producer published it. */
  readonly traceparent: string;
  readonly tracestate: string;
  /** True: it begins a trace of its own, linked to that context, since it is so much later. */
  readonly linked: boolean;
  /** ms since the Unix epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** A short code of what went wrong; absent: nothing did. */
  readonly problem?: string;
}

/** Writes spans, where somebody has asked for traces. */
export interface Spans {
  /** Nobody has: there is no need to put fields together. */
  readonly on: boolean;
  add(fields: SpanFields): void;
}

/** For processes and tests that trace nothing. */
export const noSpans: Spans = { on: false, add: () => undefined };

/** Spans that go where the `OTEL_*` variables say (see `telemetry.ts`); off when they say nothing. */
export function createSpans(): Spans {
  const provider = trace.getTracerProvider();
  const set = provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider;
  // What stands for "nothing configured" has no way to be shut down.
  const on = 'forceFlush' in set || 'shutdown' in set;
  return on ? spansTo(provider.getTracer('postrider')) : noSpans;
}

/** Spans of one tracer. */
export function spansTo(tracer: Tracer): Spans {
  return {
    on: true,
    add({ name, kind, linked, startedAt, endedAt, attributes, problem, ...origin }) {
      const parent = contextOf(origin.traceparent, origin.tracestate);
      // A sampler asks the parent, and a root has none: without this every repetition of what is not sampled would be traced.
      if (parent === null || (linked && (parent.traceFlags & TraceFlags.SAMPLED) === 0)) return;
      const span = tracer.startSpan(
        name,
        {
          kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.CONSUMER,
          startTime: startedAt,
          attributes,
          ...(linked && { root: true, links: [{ context: parent }] }),
        },
        linked ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
      );
      if (problem !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: problem });
      span.end(endedAt);
    },
  };
}

const form = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** Null for what is no trace context: the event had none. */
function contextOf(traceparent: string, tracestate: string): SpanContext | null {
  const [, traceId, spanId, flags] = form.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  const traceState = tracestate === '' ? undefined : createTraceState(tracestate);
  const traceFlags = Number.parseInt(flags, 16);
  return { traceId, spanId, traceFlags, isRemote: true, ...(traceState !== undefined && { traceState }) };
}
