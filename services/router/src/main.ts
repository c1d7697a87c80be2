import { connectKafka } from '@postrider/kafka';
import { addProcessMetrics, createLogger, createMetrics, run, startHealth, systemClock } from '@postrider/runtime';
import { readRouterConfig } from './config.ts';
import { startRouter, type Router } from './service.ts';

const name = 'router';

await run(name, async (signal) => {
  const config = readRouterConfig();
  const log = createLogger(name, { level: config.logLevel });
  const metrics = createMetrics();
  addProcessMetrics(metrics);
  await using stack = new AsyncDisposableStack();
  let router: Router | null = null;
  const routing = () => router?.ready() ?? { ok: false as const, reason: 'starting, or waiting for Kafka' };
  const portVariable = 'POSTRIDER_HEALTH_PORT';
  stack.use(await startHealth({ ...config.health, checks: { routing }, metrics, portVariable }));
  const { processId } = config.service;
  const kafka = stack.use(connectKafka({ ...config.kafka, clientId: processId, clock: systemClock, logger: log }));
  router = stack.use(await startRouter(config.service, { kafka, clock: systemClock, log, metrics }, signal));
  const owned = stack.move();
  return { [Symbol.asyncDispose]: () => owned.disposeAsync() };
});
