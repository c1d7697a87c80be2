import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { writeAuditedFields } from './write-audited-fields.ts';

const bytes = readFileSync(join(import.meta.dirname, 'descriptors.binpb'));

/** The contract with one more field in a message. */
function planted(file: string, message: string, name: string, type: FieldDescriptorProto_Type): Uint8Array {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  const found = set.file.find((one) => one.name === `postrider/v1/${file}.proto`);
  const fields = found?.messageType.find((one) => one.name === message)?.field;
  assert.ok(fields !== undefined);
  const label = FieldDescriptorProto_Label.OPTIONAL;
  fields.push(create(FieldDescriptorProtoSchema, { name, jsonName: name, number: 9_000, label, type }));
  return toBinary(FileDescriptorSetSchema, set);
}

test('what is checked in is what the descriptors say', () => {
  const path = join(import.meta.dirname, 'src/postrider/v1/audited-fields.ts');
  assert.equal(readFileSync(path, 'utf8'), writeAuditedFields(bytes));
});

test('a field that could hold a secret, and does not say whether it does, stops the build and is named', () => {
  const { STRING, BYTES } = FieldDescriptorProto_Type;
  for (const [file, message, name, type] of [
    ['endpoint', 'BasicAuth', 'old_password', STRING],
    ['endpoint', 'Endpoint', 'api_key', STRING],
    ['config', 'ApiKeyConfig', 'anything', BYTES],
  ] as const) {
    assert.throws(() => writeAuditedFields(planted(file, message, name, type)), new RegExp(`${message}\\.${name}`));
  }
  assert.ok(writeAuditedFields(planted('pause', 'Pause', 'ticket', STRING)).includes("ticket: { name: 'ticket' }"));
});
