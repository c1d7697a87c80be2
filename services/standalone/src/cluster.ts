import { LocalKafkaError, startKafka, type LocalKafka, type UnexpectedExit } from '@postrider/local-kafka';
import { KafkaError, type KafkaPort } from '@postrider/kafka';
import { orAborted } from '@postrider/config-view';
import type { Clock } from '@postrider/core';
import type { Logger } from '@postrider/runtime';
import type { Screen } from './screen.ts';

export interface LocalClusterOptions {
  readonly dataDir: string;
  /** 0: any free one. */
  readonly port: number;
  readonly screen: Screen;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The Kafka of this installation. */
export interface LocalCluster extends AsyncDisposable {
  readonly brokers: readonly string[];
  /** Rejects when it has died and cannot be started again. Never resolves. */
  readonly ended: Promise<never>;
}

/** A broker that dies more often than this within the period is not started again. */
const restartsMax = 3;
const restartsPeriodMs = 10 * 60_000;

/** Starts a Kafka here and keeps it running: what died is started again, and the reason is told. */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { dataDir, port, screen, signal } = options;
  const { promise: ended, reject } = Promise.withResolvers<never>();
  ended.catch(() => {});
  const restart = createRestart(options, reject);
  const kafka: LocalKafka = await screen.step('Kafka', (say) =>
    startKafka({
      brokers: 1,
      dataDir,
      ...(port === 0 ? {} : { ports: [port] }),
      log: say,
      onUnexpectedExit: restart,
      signal,
    }).catch((error: unknown) => {
      throw explained(error, signal);
    }),
  );
  return { brokers: kafka.bootstrapServers, ended, [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose]() };
}

function explained(error: unknown, signal: AbortSignal): unknown {
  signal.throwIfAborted();
  if (!(error instanceof LocalKafkaError) || !error.problems.some(({ code }) => code === 'PORT_TAKEN')) return error;
  return new Error(`${error.message} Kafka's port is set by POSTRIDER_KAFKA_PORT (0 for any free one).`, {
    cause: error,
  });
}

function createRestart({ screen, log, clock, signal }: LocalClusterOptions, giveUp: (error: Error) => void) {
  const restarts: number[] = [];
  return ({ broker, problem, lines }: UnexpectedExit): void => {
    log.error({ code: problem.code, lines }, `Kafka has stopped: ${problem.message}`);
    if (signal.aborted) return;
    screen.line(screen.paint('red', `Kafka has stopped. ${problem.message}`));
    while (restarts.length > 0 && clock.monotonic() - (restarts[0] ?? 0) > restartsPeriodMs) restarts.shift();
    if (restarts.length >= restartsMax) {
      giveUp(new Error(`Kafka has stopped ${restarts.length + 1} times in ${restartsPeriodMs / 60_000} min`));
      return;
    }
    restarts.push(clock.monotonic());
    screen
      .step('Starting Kafka again; deliveries wait meanwhile', () => broker.start(signal))
      .catch((error: Error) => giveUp(new Error(`Kafka cannot be started again: ${error.message}`, { cause: error })));
  };
}

const askAgainMs = 1_000;
/** A cluster that answers later than this is taken for one that is not there. */
const hintAfterMs = 2_000;

/** Waits until one's own cluster answers, saying so, and tells how many brokers it has. */
export async function waitForCluster(
  brokers: readonly string[],
  kafka: KafkaPort,
  { screen, clock, signal }: { readonly screen: Screen; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<number> {
  return screen.step(`your Kafka at ${brokers.join(', ')}`, async (say) => {
    const hint = 'no broker answers yet; waiting (start it, or correct POSTRIDER_KAFKA_BROKERS)';
    const cancelHint = clock.after(hintAfterMs, () => say(hint));
    try {
      for (;;) {
        const count = await ask(kafka, signal);
        if (count !== null) return count;
        const { promise, resolve } = Promise.withResolvers<void>();
        const cancel = clock.after(askAgainMs, resolve);
        await orAborted(promise, signal).finally(cancel);
      }
    } finally {
      cancelHint();
    }
  });
}

/** How many brokers there are; null when none answers. */
async function ask(kafka: KafkaPort, signal: AbortSignal): Promise<number | null> {
  try {
    return (await orAborted(kafka.admin.describeCluster(), signal)).brokers;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof KafkaError && error.code === 'UNAVAILABLE') return null;
    throw error;
  }
}
