import { KafkaError, type KafkaPort } from '@postrider/kafka';
import { CliError, exitCodes } from './cli-error.ts';

/** Turns a failure of the Kafka port into words; null when it is something else. */
export function explainKafkaError(error: unknown): CliError | null {
  if (!(error instanceof KafkaError)) return null;
  if (error.code === 'UNKNOWN_TOPIC')
    return new CliError(
      exitCodes.notFound,
      `${error.message} ("postrider topics apply" creates Postrider's own topics.)`,
      {
        cause: error,
      },
    );
  if (error.code === 'UNAVAILABLE')
    return new CliError(exitCodes.unreachable, `Kafka does not answer: ${error.message}`, { cause: error });
  return new CliError(exitCodes.failed, error.message, { cause: error });
}

/** Where each partition of a topic begins and ends. Rejects with `KafkaError` that names the topic when there is none. */
export async function offsetsOf(kafka: KafkaPort, topic: string): ReturnType<KafkaPort['admin']['offsets']> {
  try {
    return await kafka.admin.offsets(topic);
  } catch (cause) {
    if (!(cause instanceof KafkaError) || cause.code !== 'UNKNOWN_TOPIC') throw cause;
    throw new KafkaError('UNKNOWN_TOPIC', `There is no topic ${topic}.`, { cause });
  }
}
