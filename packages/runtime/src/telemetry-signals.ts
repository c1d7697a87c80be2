import type { Env } from './env.ts';

/**
 * Which telemetry the standard `OTEL_*` variables ask for, as the values `OTEL_<SIGNAL>_EXPORTER` should have.
 * `undefined`: none at all.
 *
 * The SDK's own default is to send every signal to a collector on localhost. Here a signal is exported only if somebody
 * said where to (an endpoint) or how (an exporter). Logs are on standard output, where the cluster collects them, and
 * are exported only when asked for by name.
 */
export function telemetrySignals(env: Env): Readonly<Record<string, string>> | undefined {
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return undefined;
  const general = isSet(env['OTEL_EXPORTER_OTLP_ENDPOINT']);
  const exporters: Record<string, string> = {};
  for (const signal of ['TRACES', 'METRICS', 'LOGS']) {
    const named = env[`OTEL_${signal}_EXPORTER`];
    const endpoint = isSet(env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]) || (general && signal !== 'LOGS');
    exporters[`OTEL_${signal}_EXPORTER`] = isSet(named) ? named : endpoint ? 'otlp' : 'none';
  }
  return Object.values(exporters).every((exporter) => exporter.trim() === 'none') ? undefined : exporters;
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== '';
}
