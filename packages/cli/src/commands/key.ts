import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import { type KeyEncryptionKey, ListKeyEncryptionKeysResponse } from '@postrider/contract/postrider/v1/secret_service';
import { plainEnum } from '@postrider/core';
import type { CliContext } from '../context.ts';
import { countOf } from '../count-of.ts';
import { shortName } from '../names.ts';
import { openSession } from '../session.ts';

/** `postrider key …` */
export function keyCommand(program: Command, context: CliContext): void {
  const key = program.command('key').alias('keys').description('Look at the keys that all secrets are sealed under.');
  key
    .command('list')
    .description('List key-encryption keys, what is sealed under each, and how far a rotation has come.')
    .addHelpText('after', '\nExample:\n  postrider key list')
    .action(async (_options: object, command: Command) => {
      const session = openSession(context, command);
      const told = await session.withRpc((rpc) => rpc.call(rpc.secrets, rpc.secrets.listKeyEncryptionKeys, {}));
      session.printList(
        protoJson('ListKeyEncryptionKeysResponse', ListKeyEncryptionKeysResponse.encode(told)),
        ['KEY', 'STATE', 'TENANTS', 'IN USE SINCE', 'KMS'],
        told.keyEncryptionKeys.map((one: KeyEncryptionKey) => [
          shortName(one.name),
          plainEnum(one.state, 'KEY_ENCRYPTION_KEY_STATE'),
          String(one.tenantCount),
          one.inUseSinceTime?.toISOString() ?? '',
          one.kmsKey,
        ]),
        'There are no keys.',
      );
      if (!session.json) context.out(`${restWords(told)}\n`);
    });
}

function restWords(told: ListKeyEncryptionKeysResponse): string {
  const { toResealCount, secretCount, oldSecretCount, secretsCountedTime } = told;
  const rest =
    toResealCount === 0n
      ? 'Everything is sealed under the primary key.'
      : `${countOf(toResealCount, 'tenant is', 'tenants are')} still to be sealed under the primary key: keep the others until then.`;
  if (secretsCountedTime === undefined) return `${rest} Signing secrets have not been counted yet.`;
  const counted = `when they were counted at ${secretsCountedTime.toISOString()}`;
  const old = `${oldSecretCount} ${oldSecretCount === 1n ? 'was' : 'were'} older than a year`;
  return `${rest} Of ${countOf(secretCount, 'signing secret')} ${old} ${counted}.`;
}
