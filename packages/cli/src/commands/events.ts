import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { status, type ServiceError } from '@grpc/grpc-js';
import {
  EventValidation,
  PublishedEvent,
  type PublishEventsResponse,
} from '@postrider/contract/postrider/v1/event_service';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { readCloudEvent } from '../cloud-event-line.ts';
import { countOf } from '../count-of.ts';
import { detailsOf, errorDetails } from '../rpc-error.ts';
import { shortName, tenantName } from '../names.ts';
import { openSession, type Session } from '../session.ts';

const validations: Readonly<Record<string, EventValidation>> = {
  none: EventValidation.NONE,
  schema: EventValidation.SCHEMA,
  strict: EventValidation.STRICT,
};

/** Below the server's 1 MiB a message, with room for what surrounds the data. */
const callBytesMax = 768 * 1_024;
const callEventsMax = 500;

/** `postrider events …` */
export function eventsCommand(program: Command, context: CliContext): void {
  const events = program.command('events').description('Publish events through the API, without access to Kafka.');
  events
    .command('publish [file]')
    .description('Publish CloudEvents in their JSON format, one a line, from a file or standard input ("-").')
    .requiredOption('--tenant <tenant>', 'the tenant whose events they are')
    .option('--validate <none|schema|strict>', 'hold the data against their event type', 'none')
    .addHelpText('after', '\nExample:\n  postrider events publish --tenant acme -')
    .action(async (file: string | undefined, options: { tenant: string; validate: string }, command: Command) => {
      const session = openSession(context, command);
      const validation = validations[options.validate];
      if (validation === undefined) throw new CliError(exitCodes.usage, '--validate is none, schema or strict.');
      const request = { parent: tenantName(options.tenant), validation };
      const failed = await session.withRpc(async (rpc) => {
        let count = 0;
        let sent = 0;
        try {
          for await (const batch of batches(linesOf(file, context), shortName(request.parent))) {
            const publish = () => rpc.call(rpc.events, rpc.events.publishEvents, { ...request, events: batch });
            const { results } = await patiently(publish, context.signal);
            count += tell(session, batch, results);
            sent += batch.length;
          }
        } catch (error) {
          throw error instanceof CliError ? withSent(error, sent) : error;
        }
        if (sent === 0) context.err('postrider: there was no event in it: nothing was published\n');
        return count;
      });
      if (failed > 0) {
        const text = `${countOf(failed, 'event was', 'events were')} not published, or may not have been.`;
        throw new CliError(exitCodes.failed, text);
      }
    });
}

/** Whoever publishes has to know where to go on. */
function withSent({ exitCode, message, cause, report }: CliError, sent: number): CliError {
  const before = sent === 0 ? 'Nothing was published.' : `Only ${countOf(sent, 'event')} before it went out.`;
  return new CliError(exitCode, `${message} ${before}`, { cause, report });
}

/** A call that is refused for its rate is made again when the server says, nothing of it having been done. */
async function patiently<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const { cause } = error as CliError;
      const waitMs = retryAfterMs(cause as ServiceError | undefined);
      if (waitMs === null) throw error;
      // Whoever will not wait is told the refusal.
      await delay(waitMs, undefined, { signal }).catch(() => Promise.reject(error as CliError));
    }
  }
}

function retryAfterMs(error: ServiceError | undefined): number | null {
  return error?.code === status.RESOURCE_EXHAUSTED ? errorDetails(error).retryAfterMs : null;
}

/** The lines of a file, or of standard input. */
async function* linesOf(file: string | undefined, context: CliContext): AsyncIterable<string> {
  const isInput = file === undefined || file === '-';
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of isInput ? context.stdin : createReadStream(file)) {
      rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk as Buffer, { stream: true });
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    if (isInput || !('path' in (error as object))) throw error;
    throw new CliError(exitCodes.usage, `Cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  yield rest;
}

/** As many events as one call may hold, by number and bytes. */
async function* batches(lines: AsyncIterable<string>, tenant: string): AsyncIterable<PublishedEvent[]> {
  let batch: PublishedEvent[] = [];
  let bytes = 0;
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line.trim() === '') continue;
    const event = readCloudEvent(line, number, tenant);
    const size = PublishedEvent.encode(event).finish().length;
    if (batch.length > 0 && (batch.length >= callEventsMax || bytes + size > callBytesMax)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** Prints what became of each; how many were not published. */
function tell(session: Session, events: readonly PublishedEvent[], results: PublishEventsResponse['results']): number {
  let failed = 0;
  for (const [index, event] of events.entries()) {
    const { webhookId = '', error } = results[index] ?? {};
    if (error !== undefined) failed += 1;
    const why = error === undefined ? undefined : explain(error);
    const entry = { id: event.id, webhookId, ...(why === undefined ? {} : { error: why }) };
    session.printEntry(entry, () =>
      why === undefined
        ? `Published ${event.id}; its webhook-id is ${webhookId}.\n`
        : `Not published: ${event.id}: ${why.message}\n`,
    );
  }
  return failed;
}

function explain({ code, message, details }: NonNullable<PublishEventsResponse['results'][number]['error']>) {
  const { fields, reason } = detailsOf(details);
  const name = status[code] ?? String(code);
  const own = fields.map(({ field, description }) => ({ field: field.replace(/^events\[\d+\]\./, ''), description }));
  const told = own.map(({ field, description }) => `${field}: ${description}`);
  const text = told.length > 0 ? told.join('; ') : `${name}: ${message}`;
  return { code: name, reason, message: text, field: own[0]?.field ?? '' };
}
