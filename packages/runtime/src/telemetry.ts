/**
 * Traces and metrics to a collector, configured by the standard `OTEL_*` variables alone. Loaded before everything else,
 * with `node --import @postrider/runtime/telemetry src/main.ts`, since it hooks into modules as they are loaded.
 *
 * With nothing configured this loads no SDK, opens nothing and costs nothing. Requests to tenants' endpoints are not
 * instrumented here on purpose: automatic instrumentation would write full URLs, which often hold a token, into spans,
 * and would add its own headers to what was signed. The dispatcher makes the span of an attempt itself.
 */
import { telemetrySignals } from './telemetry-signals.ts';

const signals = telemetrySignals(process.env);
if (signals !== undefined) await startTelemetry(signals);

async function startTelemetry(exporters: Readonly<Record<string, string>>): Promise<void> {
  // The SDK reads these itself, and only from here.
  Object.assign(process.env, exporters);
  // Synchronous hooks on this thread: `module.register`, which the SDK's own wrapper uses, is deprecated (DEP0205).
  const { register } = await import('import-in-the-middle/register-hooks.mjs');
  register();
  const [{ NodeSDK }, { HttpInstrumentation }, { WholeGrpcInstrumentation }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/instrumentation-http'),
    import('./grpc-instrumentation.ts'),
  ]);
  const sdk = new NodeSDK({
    instrumentations: [
      new HttpInstrumentation({ ignoreIncomingRequestHook: (request) => isProbe(request.url) }),
      new WholeGrpcInstrumentation(),
    ],
  });
  sdk.start();
  // The last spans leave when nothing else is left to do. A collector that is away must not make the exit fail.
  process.once('beforeExit', () => void sdk.shutdown().catch(() => {}));
}

function isProbe(url: string | undefined): boolean {
  return url === '/livez' || url === '/readyz' || url === '/metrics';
}
