import type { Command } from 'commander';
import { limits } from '@postrider/core';
import { checkTopics, topicName, topicSpecs, type KafkaPort } from '@postrider/kafka';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { countOf } from '../count-of.ts';
import { readLayout } from '../doctor/ask-facts.ts';
import { parseCount } from '../parse.ts';
import { openSession } from '../session.ts';

interface TopicOptions {
  readonly partitions?: number;
  readonly replicationFactor: number;
  readonly bodyBytesMax: number;
}

/** Of an installation that has none yet. */
const PARTITIONS_DEFAULT = 12;

/** The options, with the number of partitions by the layout that stands on the `config` topic where none is given. */
async function settled(kafka: KafkaPort, prefix: string, options: TopicOptions) {
  const laidOut = options.partitions ?? (await layoutPartitions(kafka, topicName(prefix, 'config')));
  return { prefix, ...options, partitions: laidOut ?? PARTITIONS_DEFAULT };
}

async function layoutPartitions(kafka: KafkaPort, topic: string): Promise<number | undefined> {
  const [found] = await kafka.admin.describeTopics([topic]);
  return found === undefined ? undefined : (await readLayout(kafka, topic))?.partitions;
}

/** `postrider topics …` */
export function topicsCommand(program: Command, context: CliContext): void {
  const topics = program.command('topics').description('Create and check Postrider’s own topics.');
  topicOptions(topics.command('apply'))
    .description('Create the topics that are missing; existing ones are left as they are.')
    .addHelpText('after', '\nExample:\n  postrider topics apply --partitions 64 --replication-factor 3')
    .action(async (options: TopicOptions, command: Command) => {
      const session = openSession(context, command);
      const created = await session.withKafka(async (kafka, prefix) => {
        const answer = await kafka.admin.createTopics(topicSpecs(await settled(kafka, prefix, options)));
        return answer.created;
      });
      session.printList(
        { created },
        ['CREATED'],
        created.map((name) => [name]),
        'All topics were there already.',
      );
    });
  topicOptions(topics.command('check'))
    .description(
      'Compare the topics with what the promises need; exit code 1 and one line per problem when they do not fit.',
    )
    .addHelpText('after', '\nExample:\n  postrider topics check --partitions 64')
    .action(async (options: TopicOptions, command: Command) => {
      const session = openSession(context, command);
      const problems = await session.withKafka(async (kafka, prefix) => {
        const wanted = await settled(kafka, prefix, options);
        const names = topicSpecs(wanted).map((spec) => spec.name);
        const limit = {
          retrySpanMs: limits.retrySpanMaxMs,
          auditRetentionMs: limits.auditRetentionMinMs,
          ...wanted,
        };
        return checkTopics(await kafka.admin.describeTopics(names), limit);
      });
      session.printList(
        { problems },
        ['PROBLEM'],
        problems.map((problem) => [problem]),
        'All topics are as they should be.',
      );
      if (problems.length > 0)
        throw new CliError(exitCodes.failed, `${countOf(problems.length, 'problem')} with the topics.`);
    });
}

function topicOptions(command: Command): Command {
  return command
    .option(
      '--partitions <n>',
      `partitions of the co-partitioned topics; those of the installation, or ${PARTITIONS_DEFAULT} where there is none yet`,
      parseCount(1),
    )
    .option('--replication-factor <n>', 'replicas of each partition', parseCount(1), 1)
    .option('--body-bytes-max <n>', 'largest body of an event', parseCount(1), limits.bodyBytesMax);
}
