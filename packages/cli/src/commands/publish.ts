import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { publishedRecord, webhookId } from '@postrider/core';
import { topicName } from '@postrider/kafka';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { offsetsOf } from '../kafka-error.ts';
import { isNoTenant } from '../known-tenant.ts';
import { parseCount } from '../parse.ts';
import { openSession } from '../session.ts';

interface PublishOptions {
  readonly tenant: string;
  readonly type: string;
  readonly id?: string;
  readonly source: string;
  readonly subject?: string;
  readonly contentType: string;
  readonly topic?: string;
  readonly data?: string;
  readonly count: number;
}

/** `postrider publish` */
export function publishCommand(program: Command, context: CliContext): void {
  program
    .command('publish [file]')
    .description('Publish an event to a source topic. The body comes from --data, a file, or standard input ("-").')
    .requiredOption('--tenant <tenant>', 'the tenant whose event it is')
    .requiredOption('--type <type>', 'event type')
    .option('--id <id>', 'event id; random when absent. The same id and source is the same event')
    .option('--source <source>', 'where the event comes from', '/postrider/cli')
    .option('--subject <subject>', 'what the event is about')
    .option('--content-type <type>', 'content type of the body', 'application/json')
    .option('--topic <topic>', 'source topic; the default one when absent')
    .option('--data <text>', 'the body')
    .option('--count <n>', 'publish that many events, each with an id of its own', parseCount(1), 1)
    .addHelpText('after', `\nExample:\n  postrider publish --tenant acme --type order.paid --data '{"order": 17}'`)
    .action(async (file: string | undefined, options: PublishOptions, command: Command) => {
      const session = openSession(context, command);
      if (options.id !== undefined && options.count > 1)
        throw new CliError(exitCodes.usage, 'With --count each event has an id of its own: leave --id away.');
      const body = await readBody(file, options.data, context);
      const unknown = isNoTenant(session, options.tenant);
      const published = await session.withKafka(async (kafka, topicPrefix) => {
        const topic = options.topic ?? topicName(topicPrefix, 'events');
        const partitions = (await offsetsOf(kafka, topic)).length;
        const producer = kafka.producer({ name: 'cli-publish' });
        const sent = Array.from({ length: options.count }, async () => {
          const id = options.id ?? randomUUID();
          const event = { ...attributesOf(options), id, tenant: options.tenant, data: body, orderingKey: '' };
          const { offset, partition } = await producer.send({ topic, ...publishedRecord(event, partitions) });
          return {
            id,
            webhookId: webhookId(options.tenant, options.source, id),
            topic,
            partition,
            offset,
          };
        });
        return Promise.all(sent);
      });
      for (const entry of published)
        session.printEntry(
          entry,
          () =>
            `Published ${options.type} as ${entry.id} to ${entry.topic}, partition ${entry.partition}, offset ${entry.offset}; its webhook-id is ${entry.webhookId}.\n`,
        );
      // A control plane that does not answer keeps nobody from what was published.
      if (await unknown)
        context.err(`postrider: there is no tenant ${options.tenant}: what it publishes is quarantined\n`);
    });
}

async function readBody(file: string | undefined, data: string | undefined, context: CliContext): Promise<Buffer> {
  if (data !== undefined && file !== undefined)
    throw new CliError(exitCodes.usage, 'Give the body once: --data, a file, or standard input.');
  if (data !== undefined) return Buffer.from(data);
  if (file !== undefined && file !== '-')
    return readFile(file).catch((error: Error) => {
      throw new CliError(exitCodes.usage, `Cannot read ${file}: ${error.message}`, { cause: error });
    });
  const chunks: Buffer[] = [];
  for await (const chunk of context.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function attributesOf({ source, type, subject, contentType }: PublishOptions) {
  const time = new Date().toISOString();
  return { source, type, subject: subject ?? '', time, contentType, dataSchema: '', extensions: {} };
}
