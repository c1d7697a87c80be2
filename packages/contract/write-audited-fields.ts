import { createFileRegistry, fromBinary, ScalarType } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { DescField, DescMessage } from '@bufbuild/protobuf';

/** Arms of the record that are no entities. */
const noEntities: ReadonlySet<string> = new Set(['tombstone']);
/** What a field may be called that holds a secret. */
const suspicious = /secret|passw|passphrase|token|credential|hash|private|signature|(?:^|_)key(?:_|$)/;
/** Called so, and harmless: whoever adds one has looked. */
const harmless: ReadonlySet<string> = new Set([
  'Endpoint.public_key',
  'EndpointSecret.public_key',
  'OAuth2ClientCredentials.token_url',
  'Ordering.key',
  'TenantConfig.data_key_id',
]);

/**
 * The table of all fields of what stands on `config`, for the audit, as TypeScript: which are shown with their values and
 * which are not. From a descriptor set.
 * @throws Error that names every field that could hold a secret and does not say whether it does
 */
export function writeAuditedFields(descriptors: Uint8Array): string {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
  const record = registry.getMessage('postrider.v1.ConfigRecord');
  const entities = record?.oneofs
    .find(({ name }) => name === 'entity')
    ?.fields.filter(({ name }) => !noEntities.has(name));
  if (entities === undefined) throw new Error('there is no ConfigRecord with entities');
  const messages = new Map<string, DescMessage>();
  for (const { message } of entities) if (message !== undefined) collect(message, messages);
  const problems = [...messages.values()].flatMap((message) => message.fields.filter(isUnsaid));
  if (problems.length > 0) {
    const names = problems.map((field) => `${field.parent.name}.${field.name}`);
    throw new Error(
      `these could hold a secret: say [debug_redact = true], or that they are harmless:\n  ${names.join('\n  ')}`,
    );
  }
  return [
    '// Written from the messages in proto/. Do not edit.',
    '',
    '/** The message of each kind of entity on `config`, by the name of its arm. */',
    `export const auditedEntities = {`,
    ...entities.map(({ localName, message }) => `  ${localName}: ${quoted(message?.name ?? '')},`),
    '} as const;',
    '',
    '/** Every field of what can stand in an entity, by message and name in JSON: its name in the contract, and what it is. */',
    `export const auditedFields = {`,
    ...Array.from(messages, ([name, message]) => `  ${name}: ${fieldsOf(message)},`).toSorted(),
    '} as const;',
    '',
  ].join('\n');
}

function collect(message: DescMessage, into: Map<string, DescMessage>): void {
  if (into.has(message.name)) return;
  into.set(message.name, message);
  for (const field of message.fields) {
    const inner = ownMessage(field);
    if (inner !== null && !isSecret(field)) collect(inner, into);
  }
}

/** The message of our own that a field holds one of, several, or by key. */
function ownMessage({ message, fieldKind, ...field }: DescField): DescMessage | null {
  const inner =
    fieldKind === 'map' && 'mapKind' in field && field.mapKind === 'message'
      ? (field as { message?: DescMessage }).message
      : message;
  return inner?.file.proto.package === 'postrider.v1' ? inner : null;
}

function isSecret({ proto }: DescField): boolean {
  return proto.options?.debugRedact === true;
}

function isUnsaid(field: DescField): boolean {
  if (isSecret(field) || harmless.has(`${field.parent.name}.${field.name}`)) return false;
  const scalar = field.fieldKind === 'message' || field.fieldKind === 'enum' ? undefined : field.scalar;
  return scalar === ScalarType.BYTES || (scalar === ScalarType.STRING && suspicious.test(field.name));
}

function fieldsOf(message: DescMessage): string {
  return objectOf(
    message.fields.map((field) => {
      const inner = ownMessage(field);
      const parts = [
        ['name', quoted(field.name)],
        ...(isSecret(field) ? [['secret', 'true']] : []),
        ...(inner === null || isSecret(field) ? [] : [['message', quoted(inner.name)]]),
        ...(field.fieldKind === 'list' || field.fieldKind === 'map' ? [['many', quoted(field.fieldKind)]] : []),
      ] as [string, string][];
      return [field.localName, objectOf(parts)];
    }),
  );
}

function objectOf(entries: readonly (readonly [string, string])[]): string {
  return `{ ${entries.map(([name, value]) => `${name}: ${value}`).join(', ')} }`;
}

function quoted(text: string): string {
  return `'${text}'`;
}
