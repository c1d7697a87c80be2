import { createBrokerClock } from '@postrider/core';
import { connectKafka } from '@postrider/kafka';
import {
  addProcessMetrics,
  createLogger,
  createMetrics,
  run,
  startHealth,
  systemClock,
  type Logger,
} from '@postrider/runtime';
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
  const configured = () => ({ ok: true as const, detail: { revision: dispatcher?.view.snapshot().revision ?? '0' } });
  const reading = () => dispatcher?.live() ?? { ok: true as const };
  const portVariable = 'POSTRIDER_HEALTH_PORT';
  stack.use(
    await startHealth({
      ...config.health,
      checks: { owning, leaving, resolving, reaching, configured },
      liveChecks: { reading },
      metrics,
      portVariable,
    }),
  );
  const { processId } = config.service;
  const clock = createBrokerClock(systemClock, (correctionMs) => tellOfClock(log, correctionMs));
  metrics.gauge('postrider_clock_correction_ms', "What is added to this machine's clock", () => clock.correctionMs);
  const onBrokerTime = clock.heard;
  const kafka = stack.use(connectKafka({ ...config.kafka, clientId: processId, clock, logger: log, onBrokerTime }));
  dispatcher = stack.use(await startDispatcher(config.service, { kafka, clock, log, metrics }, signal));
  const owned = stack.move();
  return { stopWithinMs: dispatcher.stopWithinMs, [Symbol.asyncDispose]: () => owned.disposeAsync() };
});

function tellOfClock(log: Logger, correctionMs: number): void {
  if (correctionMs === 0) log.warn({}, "clock.right: this machine's clock agrees with the brokers' again");
  else
    log.error(
      { correctionMs },
      "clock.off: this machine's clock is off by that much, and the brokers' is used instead",
    );
}
