import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema, type MethodDescriptorProto } from '@bufbuild/protobuf/wkt';
import { writeMethods } from './write-methods.ts';

const bytes = readFileSync(join(import.meta.dirname, 'descriptors.binpb'));

function planted(change: (method: MethodDescriptorProto) => void): Uint8Array {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  const service = set.file.find(({ name }) => name === 'postrider/v1/tenant_service.proto')?.service[0];
  const method = service?.method[0];
  assert.ok(method !== undefined);
  change(method);
  return toBinary(FileDescriptorSetSchema, set);
}

test('what is checked in is what the descriptors say', () => {
  const path = join(import.meta.dirname, 'src/postrider/v1/methods.ts');
  assert.equal(readFileSync(path, 'utf8'), writeMethods(bytes));
});

test('a method without a rule stops the build, and is named', () => {
  const without = planted((method) => delete method.options);
  assert.throws(() => writeMethods(without), /CreateTenant has no rule/);
});

test('a method for anyone that writes, reveals or gives roles stops the build', () => {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  const [announce] = set.file
    .flatMap(({ service }) => service.flatMap(({ method }) => method))
    .filter(({ name }) => name === 'AnnounceEgressAddress');
  assert.ok(announce?.options !== undefined);
  // The rule's bytes: what a writing method has, and that it is for anyone (field 5).
  const [rule] = announce.options.$unknown ?? [];
  assert.ok(rule !== undefined);
  const [length = 0] = rule.data;
  announce.options.$unknown = [{ ...rule, data: new Uint8Array([length + 2, ...rule.data.subarray(1), 0x28, 1]) }];
  assert.throws(() => writeMethods(toBinary(FileDescriptorSetSchema, set)), /AnnounceEgressAddress is for anyone/);
});

test('two methods of one name stop the build: rules are found by it', () => {
  const twice = planted((method) => void (method.name = 'GetEndpoint'));
  assert.throws(() => writeMethods(twice), /GetEndpoint has the name of another/);
});
