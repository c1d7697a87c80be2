import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import { Quarantined } from '@postrider/contract/postrider/v1/dead_letter';
import { plainEnum } from '@postrider/core';
import { QUARANTINED_HEADER, topicName } from '@postrider/kafka';
import type { CliContext } from '../context.ts';
import { parseCount } from '../parse.ts';
import { newestByHeader } from '../read-topic.ts';
import { openSession } from '../session.ts';

/** `postrider quarantine …` */
export function quarantineCommand(program: Command, context: CliContext): void {
  const quarantine = program.command('quarantine').description('Look at events that could not be read.');
  quarantine
    .command('list')
    .description('List quarantined events with the reason, the newest last.')
    .option('--limit <n>', 'the newest n', parseCount(1), 50)
    .addHelpText('after', '\nExample:\n  postrider quarantine list --limit 10')
    .action(async (options: { limit: number }, command: Command) => {
      const session = openSession(context, command);
      const found = await session.withKafka((kafka, topicPrefix) =>
        newestByHeader(kafka, context, {
          topic: topicName(topicPrefix, 'quarantine'),
          header: QUARANTINED_HEADER,
          limit: options.limit,
          decode: (bytes) => Quarantined.decode(bytes),
        }),
      );
      session.printList(
        found.map((one) => protoJson('Quarantined', Quarantined.encode(one))),
        ['TIME', 'REASON', 'FIELD', 'SOURCE', 'DETAIL'],
        found.map(row),
        'There are no quarantined events.',
      );
    });
}

function row({ time, reason, field, source, detail }: Quarantined): string[] {
  const place = `${source?.topic ?? ''}/${source?.partition ?? ''}/${source?.offset ?? ''}`;
  return [time?.toISOString() ?? '', plainEnum(reason, 'QUARANTINE_REASON'), field, place, detail];
}
