import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { create, createFileRegistry, fromBinary, getOption } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { indexDescriptors } from './descriptor-index.ts';
import type { DescMethod, FileRegistry } from '@bufbuild/protobuf';
import type { DescribedFile } from './descriptor-index.ts';

const bytes = readFileSync(new URL(import.meta.resolve('@postrider/contract/descriptors.binpb')));
const set = fromBinary(FileDescriptorSetSchema, bytes);
const whole = createFileRegistry(set);
const index = indexDescriptors(bytes);

/** What a tool makes of an answer; throws when an import, or a type, is missing. */
function understood(files: readonly DescribedFile[] | undefined): FileRegistry {
  const given = new Map(files?.map((file) => [file.name, fromBinary(FileDescriptorProtoSchema, file.bytes)]));
  // In the order of the whole: imports before what imports them.
  const file = set.file.flatMap(({ name }) => given.get(name) ?? []);
  assert.ok(file.length > 0 && file.length === files?.length);
  return createFileRegistry(create(FileDescriptorSetSchema, { file }));
}

/** Every message, enum, service, method and extension that stands at the top of a file of ours. */
function declared(): string[] {
  return [...whole.files]
    .filter(({ proto }) => proto.package === 'postrider.v1')
    .flatMap(({ messages, enums, extensions, services }) => [
      ...[...messages, ...enums, ...extensions, ...services].map(({ typeName }) => typeName),
      ...services.flatMap(({ typeName, methods }) => methods.map(({ name }) => `${typeName}.${name}`)),
    ]);
}

test('whatever the contract declares is found, with all that it needs', () => {
  const names = declared();
  assert.ok(names.length > 150);
  for (const name of names) assert.doesNotThrow(() => understood(index.symbol(name)), name);
  for (const { proto } of whole.files) assert.equal(index.file(proto.name)?.[0]?.name, proto.name);
});

test('an answer keeps the options of the contract: who may call a method', () => {
  const tool = understood(index.symbol('postrider.v1.TenantService.GetTenant'));
  const access = tool.getExtension('postrider.v1.access');
  const method: DescMethod | undefined = tool.getService('postrider.v1.TenantService')?.method['getTenant'];
  assert.ok(access !== undefined && method !== undefined);
  assert.equal((getOption(method, access) as unknown as { readonly tenant: string }).tenant, 'name');
});

test('extensions are found by what they extend', () => {
  const options = 'google.protobuf.MethodOptions';
  assert.ok(index.extensionsOf(options).includes(50_801));
  assert.equal(index.extension(options, 50_801)?.[0]?.name, 'postrider/v1/access.proto');
  assert.deepEqual(index.extensionsOf('postrider.v1.Tenant'), []);
});

test('what nobody declares is not there', () => {
  assert.equal(index.symbol('postrider.v1.Nothing'), undefined);
  assert.equal(index.file('nothing.proto'), undefined);
  assert.equal(index.extension('google.protobuf.MethodOptions', 1), undefined);
});
