import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { plainEnum } from '@postrider/core';
import { topicName } from '@postrider/kafka';
import type { CliContext } from '../context.ts';
import { createNewest } from '../newest.ts';
import { requireTenant } from '../known-tenant.ts';
import { parseCount } from '../parse.ts';
import { readable, readTopic } from '../read-topic.ts';
import { openSession } from '../session.ts';
import { formatRow } from '../table.ts';

interface TailOptions {
  readonly fromBeginning: boolean;
  readonly follow: boolean;
  readonly limit?: number;
  readonly tenant?: string;
}

/** Attempts that are shown without `--follow` and `--limit`. */
const newestDefault = 1_000;
const heading = [
  'STARTED',
  'TENANT',
  'ENDPOINT',
  'TYPE',
  'NUMBER',
  'OUTCOME',
  'STATUS',
  'NEXT',
  'DELIVERY',
  'WEBHOOK-ID',
];
const widths = [24, 12, 35, 20, 6, 14, 6, 30, 36, 36];

/** `postrider attempts …` */
export function attemptsCommand(program: Command, context: CliContext): void {
  const attempts = program.command('attempts').description('Look at single HTTP requests.');
  attempts
    .command('tail')
    .description('Print attempts as they happen, until Ctrl-C.')
    .option('--from-beginning', 'begin with what the topic still holds', false)
    .option('--no-follow', 'stop at the end of what stands there now')
    .option('--limit <n>', 'stop after n attempts; with --no-follow the newest n (1,000)', parseCount(1))
    .option('--tenant <tenant>', 'only of this tenant')
    .addHelpText('after', '\nExample:\n  postrider attempts tail --from-beginning --no-follow --json')
    .action(async (options: TailOptions, command: Command) => {
      const session = openSession(context, command);
      const print = (attempt: Attempt) =>
        session.printEntry(protoJson('Attempt', Attempt.encode(attempt)), () => formatRow(row(attempt), widths));
      // What stands there is put in order of time; what happens is printed as it comes.
      const newest = createNewest<Attempt>(options.limit ?? newestDefault, (entry) => entry.startedAt?.getTime() ?? 0);
      let printed = 0;
      if (options.follow && options.tenant !== undefined) await requireTenant(session, options.tenant);
      await session.withKafka((kafka, topicPrefix) =>
        readTopic(kafka, {
          topic: topicName(topicPrefix, 'attempts'),
          from: options.fromBeginning ? 'beginning' : 'end',
          follow: options.follow,
          signal: context.signal,
          onStart() {
            if (!session.json) context.out(formatRow(heading, widths));
          },
          onRecord: (record) => {
            const attempt = record.value && readable(record, (bytes) => Attempt.decode(bytes), record.value, context);
            if (!attempt || (options.tenant !== undefined && attempt.tenant !== options.tenant)) return 'go on';
            if (!options.follow) {
              newest.add(attempt);
              return 'go on';
            }
            print(attempt);
            printed += 1;
            return printed >= (options.limit ?? Infinity) ? 'stop' : 'go on';
          },
        }),
      );
      const last = newest.list();
      if (!options.follow && last.length === 0 && options.tenant !== undefined)
        await requireTenant(session, options.tenant);
      for (const attempt of last) print(attempt);
    });
}

function row(attempt: Attempt): string[] {
  const decision = attempt.decision?.decision;
  const next =
    decision?.$case === 'retry' ? `retry ${decision.value.dueAt?.toISOString() ?? ''}` : (decision?.$case ?? '');
  return [
    attempt.startedAt?.toISOString() ?? '',
    attempt.tenant,
    attempt.endpointId,
    attempt.eventType,
    String(attempt.number),
    plainEnum(attempt.outcome, 'OUTCOME'),
    attempt.status === 0 ? attempt.code : String(attempt.status),
    next,
    attempt.deliveryId,
    attempt.webhookId,
  ];
}
