import { connectKafka } from '@postrider/kafka';
import { addProcessMetrics, createLogger, createMetrics, run, startHealth, systemClock } from '@postrider/runtime';
import { readControlPlaneConfig } from './config.ts';
import { startControlPlane, type ControlPlane } from './service.ts';

const name = 'control-plane';

await run(name, async (signal) => {
  const config = readControlPlaneConfig();
  const log = createLogger(name, { level: config.logLevel });
  const metrics = createMetrics();
  addProcessMetrics(metrics);
  await using stack = new AsyncDisposableStack();
  let serves: ControlPlane | null = null;
  const serving = () =>
    serves === null
      ? { ok: false as const, reason: 'starting, or waiting for Kafka' }
      : { ok: true as const, detail: { revision: serves.view.snapshot().revision, role: serves.role() } };
  const portVariable = 'POSTRIDER_HEALTH_PORT';
  stack.use(await startHealth({ ...config.health, checks: { api: serving }, metrics, portVariable }));
  const { processId } = config.service;
  const kafka = stack.use(connectKafka({ ...config.kafka, clientId: processId, clock: systemClock, logger: log }));
  const plane = stack.use(await startControlPlane(config.service, { kafka, clock: systemClock, log, metrics }, signal));
  serves = plane;
  const owned = stack.move();
  const { ended, stopWithinMs } = plane;
  return { ended, stopWithinMs, [Symbol.asyncDispose]: () => owned.disposeAsync() };
});
