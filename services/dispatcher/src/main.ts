import { connectKafka } from '@postrider/kafka';
import { addProcessMetrics, createLogger, createMetrics, run, startHealth, systemClock } from '@postrider/runtime';
import { readDispatcherConfig } from './config.ts';
import { startDispatcher, type Dispatcher } from './service.ts';

const name = 'dispatcher';

await run(name, async (signal) => {
  const config = readDispatcherConfig();
  const log = createLogger(name, { level: config.logLevel });
  const metrics = createMetrics();
  addProcessMetrics(metrics);
  await using stack = new AsyncDisposableStack();
  let dispatcher: Dispatcher | null = null;
  const owning = () => dispatcher?.ready() ?? { ok: false as const, reason: 'starting, or waiting for Kafka' };
  const leaving = () => dispatcher?.leaving() ?? { ok: true as const };
  const resolving = () => dispatcher?.resolving() ?? { ok: true as const };
  const reaching = () => dispatcher?.reaching() ?? { ok: true as const };
  const reading = () => dispatcher?.live() ?? { ok: true as const };
  const portVariable = 'POSTRIDER_HEALTH_PORT';
  stack.use(
    await startHealth({
      ...config.health,
      checks: { owning, leaving, resolving, reaching },
      liveChecks: { reading },
      metrics,
      portVariable,
    }),
  );
  const { processId } = config.service;
  const kafka = stack.use(connectKafka({ ...config.kafka, clientId: processId, clock: systemClock, logger: log }));
  dispatcher = stack.use(await startDispatcher(config.service, { kafka, clock: systemClock, log, metrics }, signal));
  const owned = stack.move();
  return { stopWithinMs: dispatcher.stopWithinMs, [Symbol.asyncDispose]: () => owned.disposeAsync() };
});
