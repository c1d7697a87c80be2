import type { Command } from 'commander';
import { limits } from '@postrider/core';
import { checkTopics, topicSpecs } from '@postrider/kafka';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { parseCount } from '../parse.ts';
import { openSession } from '../session.ts';

interface TopicOptions {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly bodyBytesMax: number;
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
        const answer = await kafka.admin.createTopics(topicSpecs({ prefix, ...options }));
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
        const names = topicSpecs({ prefix, ...options }).map((spec) => spec.name);
        const limit = {
          prefix,
          retrySpanMs: limits.retrySpanMaxMs,
          auditRetentionMs: limits.auditRetentionMinMs,
          ...options,
        };
        return checkTopics(await kafka.admin.describeTopics(names), limit);
      });
      session.printList(
        { problems },
        ['PROBLEM'],
        problems.map((problem) => [problem]),
        'All topics are as they should be.',
      );
      if (problems.length > 0) throw new CliError(exitCodes.failed, `${problems.length} problem(s) with the topics.`);
    });
}

function topicOptions(command: Command): Command {
  return command
    .option('--partitions <n>', 'partitions of the co-partitioned topics', parseCount(1), 12)
    .option('--replication-factor <n>', 'replicas of each partition', parseCount(1), 1)
    .option('--body-bytes-max <n>', 'largest body of an event', parseCount(1), limits.bodyBytesMax);
}
