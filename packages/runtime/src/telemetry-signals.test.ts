import assert from 'node:assert/strict';
import { test } from 'node:test';
import { telemetrySignals } from './telemetry-signals.ts';

const exporters = (traces: string, metrics: string, logs: string) => ({
  OTEL_TRACES_EXPORTER: traces,
  OTEL_METRICS_EXPORTER: metrics,
  OTEL_LOGS_EXPORTER: logs,
});

test('nothing configured, empty or disabled means no telemetry', () => {
  assert.equal(telemetrySignals({}), undefined);
  assert.equal(telemetrySignals({ OTEL_SERVICE_NAME: 'router', OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }), undefined);
  assert.equal(telemetrySignals({ OTEL_TRACES_EXPORTER: 'none' }), undefined);
  assert.equal(
    telemetrySignals({ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }),
    undefined,
  );
});

test('a collector gets traces and metrics, not logs', () => {
  assert.deepEqual(
    telemetrySignals({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }),
    exporters('otlp', 'otlp', 'none'),
  );
});

test('one signal asked for does not turn on the others', () => {
  assert.deepEqual(telemetrySignals({ OTEL_METRICS_EXPORTER: 'console' }), exporters('none', 'console', 'none'));
  assert.deepEqual(
    telemetrySignals({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' }),
    exporters('otlp', 'none', 'none'),
  );
});

test('a signal switched off by name stays off', () => {
  assert.deepEqual(
    telemetrySignals({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_METRICS_EXPORTER: 'none' }),
    exporters('otlp', 'none', 'none'),
  );
});
