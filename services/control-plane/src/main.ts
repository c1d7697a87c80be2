import { connectKafka } from '@postrider/kafka';
import { addProcessMetrics, createLogger, createMetrics, run, startHealth, systemClock } from '@postrider/runtime';
import { readControlPlaneConfig } from './config.ts';
import { startControlPlane } from './service.ts';

const name = 'control-plane';

await run(name, async (signal) => {
  const config = readControlPlaneConfig();
  const log = createLogger(name, { level: config.logLevel });
  const metrics = createMetrics();
  addProcessMetrics(metrics);
  await using stack = new AsyncDisposableStack();
  let revision: (() => string) | null = null;
  const serving = () =>
    revision === null
      ? { ok: false as const, reason: 'starting, or waiting for Kafka' }
      : { ok: true as const, detail: { revision: revision() } };
  const portVariable = 'POSTRIDER_HEALTH_PORT';
  stack.use(await startHealth({ ...config.health, checks: { api: serving }, metrics, portVariable }));
  const { processId } = config.service;
  const kafka = stack.use(connectKafka({ ...config.kafka, clientId: processId, clock: systemClock, logger: log }));
  const plane = stack.use(await startControlPlane(config.service, { kafka, clock: systemClock, log, metrics }, signal));
  revision = () => plane.view.snapshot().revision;
  const owned = stack.move();
  return { ended: plane.ended, [Symbol.asyncDispose]: () => owned.disposeAsync() };
});
