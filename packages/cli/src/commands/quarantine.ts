import type { Command } from 'commander';
import { Quarantined } from '@postrider/contract/postrider/v1/dead_letter';
import { plainEnum } from '@postrider/core';
import { header, QUARANTINED_HEADER, topicName } from '@postrider/kafka';
import type { CliContext } from '../context.ts';
import { createNewest } from '../newest.ts';
import { parseCount } from '../parse.ts';
import { readable, readTopic } from '../read-topic.ts';
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
      const newest = createNewest<Quarantined>(options.limit, (entry) => entry.time?.getTime() ?? 0);
      await session.withKafka((kafka, topicPrefix) =>
        readTopic(kafka, {
          topic: topicName(topicPrefix, 'quarantine'),
          from: 'beginning',
          follow: false,
          signal: context.signal,
          onRecord: (record) => {
            const encoded = header(record, QUARANTINED_HEADER);
            const entry = encoded && readable(record, (bytes) => Quarantined.decode(bytes), encoded, context);
            if (entry) newest.add(entry);
            return 'go on';
          },
        }),
      );
      session.printList(
        newest.list().map((entry) => Quarantined.toJSON(entry)),
        ['TIME', 'REASON', 'FIELD', 'SOURCE', 'DETAIL'],
        newest.list().map(row),
        'There are no quarantined events.',
      );
    });
}

function row({ time, reason, field, source, detail }: Quarantined): string[] {
  const place = `${source?.topic ?? ''}/${source?.partition ?? ''}/${source?.offset ?? ''}`;
  return [time?.toISOString() ?? '', plainEnum(reason, 'QUARANTINE_REASON'), field, place, detail];
}
