import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import { plainEnum } from '@postrider/core';
import { DEAD_LETTER_HEADER, topicName } from '@postrider/kafka';
import type { CliContext } from '../context.ts';
import { endpointName } from '../names.ts';
import { endpointNames } from '../endpoint-names.ts';
import { requireTenant } from '../known-tenant.ts';
import { parseCount } from '../parse.ts';
import { newestByHeader } from '../read-topic.ts';
import { openSession, type Session } from '../session.ts';

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
    .option('--endpoint <endpoint>', 'only of this endpoint: tenant/endpoint, or its uid if it is deleted')
    .option('--limit <n>', 'the newest n', parseCount(1), 50)
    .addHelpText('after', '\nExample:\n  postrider dead-letters list --tenant acme --json')
    .action(async (options: ListOptions, command: Command) => {
      const session = openSession(context, command);
      const endpoint = options.endpoint === undefined ? undefined : await uidOf(options.endpoint, session);
      const found = await session.withKafka((kafka, topicPrefix) =>
        newestByHeader(kafka, context, {
          topic: topicName(topicPrefix, 'dead-letters'),
          header: DEAD_LETTER_HEADER,
          limit: options.limit,
          decode: (bytes) => DeadLetter.decode(bytes),
          isWanted: (letter) => isWanted(letter, { ...options, endpoint }),
        }),
      );
      // A tenant that is gone may still have dead letters.
      if (found.length === 0 && options.tenant !== undefined) await requireTenant(session, options.tenant);
      const endpoints = found.map(({ delivery }) => ({
        tenant: delivery?.tenant ?? '',
        uid: delivery?.endpointId ?? '',
      }));
      const names = session.json ? new Map<string, string>() : await endpointNames(session, endpoints);
      session.printList(
        found.map((one) => protoJson('DeadLetter', DeadLetter.encode(one))),
        ['TIME', 'TENANT', 'ENDPOINT', 'EVENT TYPE', 'ATTEMPTS', 'REASON', 'DELIVERY', 'LAST'],
        found.map((letter) => row(letter, names)),
        'There are no dead letters.',
      );
    });
}

/** Records know endpoints by their uid only. */
async function uidOf(endpoint: string, session: Session): Promise<string> {
  if (/^ep_[0-9a-f]+$/.test(endpoint)) return endpoint;
  const request = { name: endpointName(endpoint) };
  const { uid } = await session.withRpc((rpc) => rpc.call(rpc.endpoints, rpc.endpoints.getEndpoint, request));
  return uid;
}

function isWanted(
  { delivery }: DeadLetter,
  { tenant, endpoint }: { readonly tenant?: string; readonly endpoint: string | undefined },
): boolean {
  return (
    (tenant === undefined || delivery?.tenant === tenant) &&
    (endpoint === undefined || delivery?.endpointId === endpoint)
  );
}

function row(letter: DeadLetter, names: ReadonlyMap<string, string>): string[] {
  const { delivery, lastAttempt } = letter;
  const last =
    lastAttempt === undefined
      ? letter.detail
      : `${plainEnum(lastAttempt.outcome, 'OUTCOME')} ${lastAttempt.status || lastAttempt.code}`;
  return [
    letter.time?.toISOString() ?? '',
    delivery?.tenant ?? '',
    names.get(delivery?.endpointId ?? '') ?? delivery?.endpointId ?? '',
    delivery?.event?.type ?? '',
    String(delivery?.attempt ?? ''),
    plainEnum(letter.reason, 'DEAD_REASON'),
    delivery?.deliveryId ?? '',
    last,
  ];
}
