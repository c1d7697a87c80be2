import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import { RotateSecretRequest, Secret } from '@postrider/contract/postrider/v1/secret_service';
import { durationMs, durationOf, plainEnum } from '@postrider/core';
import type { CliContext } from '../context.ts';
import { readNamedSecret } from '../named-file.ts';
import { endpointName, secretName, shortName } from '../names.ts';
import { allPages } from '../paging.ts';
import { parseDurationMs, parseScheme } from '../parse.ts';
import { addYes, openSession, type Session } from '../session.ts';

/** What stands before the half of a key pair that receivers must not have. */
export const PRIVATE_KEY_LABEL = 'Private key (do not hand out)';

interface RotateOptions {
  readonly overlap?: number;
  readonly scheme?: RotateSecretRequest['scheme'];
  readonly import?: string;
}

/** `postrider secret …` */
export function secretCommand(program: Command, context: CliContext): void {
  const secret = program
    .command('secret')
    .alias('secrets')
    .description('Manage the secrets that requests to an endpoint are signed with.');
  readCommands(secret, context);
  rotateCommand(secret, context);
  revealCommand(secret, context);
  addYes(
    secret.command('delete <secret>').description('Take away a secret that ends anyway: it signs nothing any more.'),
  )
    .addHelpText('after', '\nExample:\n  postrider secret delete acme/orders/sec_0k3v5w9z1x2y3 --yes')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: secretName(name) };
      await session.confirm(`Delete ${request.name}`);
      await session.withRpc((rpc) => rpc.call(rpc.secrets, rpc.secrets.deleteSecret, request));
      session.print({ deleted: request.name }, () => `Deleted ${request.name}.\n`);
    });
}

function readCommands(secret: Command, context: CliContext): void {
  secret
    .command('list <endpoint>')
    .description('List what may be told of an endpoint’s secrets: how old they are, when they end, how they look.')
    .addHelpText('after', '\nExample:\n  postrider secret list acme/orders')
    .action(async (endpoint: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const parent = endpointName(endpoint);
      const secrets = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const page = await rpc.call(rpc.secrets, rpc.secrets.listSecrets, { parent, pageSize: 500, pageToken });
          return { entries: page.secrets, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        secrets.map((one) => protoJson('Secret', Secret.encode(one))),
        ['SECRET', 'SCHEME', 'STATE', 'ENDS', 'AGE', 'FINGERPRINT', 'ORIGIN'],
        secrets.map((one) => [
          shortName(one.name),
          plainEnum(one.scheme, 'SIGNATURE_SCHEME'),
          plainEnum(one.state, 'SECRET_STATE'),
          one.expireTime?.toISOString() ?? '',
          ageWords(one),
          `…${one.fingerprintEnd}`,
          originWord(one),
        ]),
        'There are no secrets.',
      );
    });
  secret
    .command('get <secret>')
    .description('Show what may be told of a secret (tenant/endpoint/secret).')
    .addHelpText('after', '\nExample:\n  postrider secret get acme/orders/sec_0k3v5w9z1x2y3')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: secretName(name) };
      printSecret(session, await session.withRpc((rpc) => rpc.call(rpc.secrets, rpc.secrets.getSecret, request)));
    });
}

function rotateCommand(secret: Command, context: CliContext): void {
  secret
    .command('rotate <endpoint>')
    .description(
      'Give an endpoint a new secret, printed this one time. The one before signs beside it for the overlap.',
    )
    .option('--overlap <duration>', 'how long, up to 30d; 0s: not at all; 24h when absent', parseDurationMs)
    .option('--import <file>', 'the new secret, whsec_… or whsk_…, instead of a generated one; /dev/stdin reads it')
    .option('--scheme <scheme>', 'standard-v1 or standard-v1a, instead of the endpoint’s own', parseScheme)
    .addHelpText('after', '\nExample:\n  postrider secret rotate acme/orders --overlap 24h')
    .action(async (endpoint: string, options: RotateOptions, command: Command) => {
      const session = openSession(context, command);
      const { overlap, scheme, import: file } = options;
      const given = file === undefined ? '' : readNamedSecret(context.cwd, '--import', file);
      const request: RotateSecretRequest = {
        ...RotateSecretRequest.fromPartial({ name: endpointName(endpoint), secret: given, ...(scheme && { scheme }) }),
        overlap: overlap === undefined ? undefined : durationOf(overlap),
      };
      printSecret(session, await session.withRpc((rpc) => rpc.call(rpc.secrets, rpc.secrets.rotateSecret, request)));
    });
}

function revealCommand(secret: Command, context: CliContext): void {
  secret
    .command('reveal <secret>')
    .description('Show a secret itself. That you did, and why, goes on record first.')
    .requiredOption('--reason <text>', 'why')
    .addHelpText('after', '\nExample:\n  postrider secret reveal acme/orders/sec_0k3v5w9z1x2y3 --reason "case 17"')
    .action(async (name: string, { reason }: { reason: string }, command: Command) => {
      const session = openSession(context, command);
      const request = { name: secretName(name), reason };
      printSecret(session, await session.withRpc((rpc) => rpc.call(rpc.secrets, rpc.secrets.revealSecret, request)));
    });
}

function printSecret(session: Session, secret: Secret): void {
  session.print(protoJson('Secret', Secret.encode(secret)), () => secretText(secret));
}

/** A secret for a person: itself where it is shown, alone in the first line if it is a shared one, and what may be told of it. */
export function secretText(secret: Secret): string {
  const ends = secret.expireTime === undefined ? '' : `, ends at ${secret.expireTime.toISOString()}`;
  const scheme = plainEnum(secret.scheme, 'SIGNATURE_SCHEME');
  const told = `${shortName(secret.name)}: ${plainEnum(secret.state, 'SECRET_STATE')}${ends}, ${scheme}, ${originWord(secret)}, ${ageWords(secret)} old, fingerprint …${secret.fingerprintEnd}\n`;
  const publicKey = secret.publicKey === '' ? '' : `Public key: ${secret.publicKey}\n`;
  if (secret.value === '') return `${told}${publicKey}`;
  if (publicKey === '') return `${secret.value}\n${told}`;
  return `${publicKey}${PRIVATE_KEY_LABEL}: ${secret.value}\n${told}`;
}

function originWord({ imported }: Secret): string {
  return imported ? 'imported' : 'generated';
}

function ageWords({ age }: Secret): string {
  const hours = (age === undefined ? 0 : durationMs(age)) / 3_600_000;
  return hours < 48 ? `${Math.floor(hours)}h` : `${Math.floor(hours / 24)}d`;
}
