import type { Command } from 'commander';
import { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import { plainEnum } from '@postrider/core';
import { DEAD_LETTER_HEADER, topicName } from '@postrider/kafka';
import type { CliContext } from '../context.ts';
import { parseCount } from '../parse.ts';
import { newestByHeader } from '../read-topic.ts';
import { openSession } from '../session.ts';

interface ListOptions {
  readonly tenant?: string;
  readonly endpoint?: string;
  readonly limit: number;
}

/** `postrider dead-letters …` */
export function deadLettersCommand(program: Command, context: CliContext): void {
  const deadLetters = program.command('dead-letters').description('Look at deliveries that were given up.');
  deadLetters
    .command('list')
    .description('List dead letters, the newest last.')
    .option('--tenant <tenant>', 'only of this tenant')
    .option('--endpoint <uid>', 'only of this endpoint (its uid)')
    .option('--limit <n>', 'the newest n', parseCount(1), 50)
    .addHelpText('after', '\nExample:\n  postrider dead-letters list --tenant acme --json')
    .action(async (options: ListOptions, command: Command) => {
      const session = openSession(context, command);
      const found = await session.withKafka((kafka, topicPrefix) =>
        newestByHeader(kafka, context, {
          topic: topicName(topicPrefix, 'dead-letters'),
          header: DEAD_LETTER_HEADER,
          limit: options.limit,
          decode: (bytes) => DeadLetter.decode(bytes),
          isWanted: (letter) => isWanted(letter, options),
        }),
      );
      session.printList(
        found.map(DeadLetter.toJSON),
        ['TIME', 'TENANT', 'ENDPOINT', 'EVENT TYPE', 'ATTEMPTS', 'REASON', 'DELIVERY', 'LAST'],
        found.map(row),
        'There are no dead letters.',
      );
    });
}

function isWanted({ delivery }: DeadLetter, { tenant, endpoint }: ListOptions): boolean {
  return (
    (tenant === undefined || delivery?.tenant === tenant) &&
    (endpoint === undefined || delivery?.endpointId === endpoint)
  );
}

function row(letter: DeadLetter): string[] {
  const { delivery, lastAttempt } = letter;
  const last =
    lastAttempt === undefined
      ? letter.detail
      : `${plainEnum(lastAttempt.outcome, 'OUTCOME')} ${lastAttempt.status || lastAttempt.code}`;
  return [
    letter.time?.toISOString() ?? '',
    delivery?.tenant ?? '',
    delivery?.endpointId ?? '',
    delivery?.event?.type ?? '',
    String(delivery?.attempt ?? ''),
    plainEnum(letter.reason, 'DEAD_REASON'),
    delivery?.deliveryId ?? '',
    last,
  ];
}
