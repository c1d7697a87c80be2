import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary, toJson, type FileRegistry, type JsonValue } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

let registry: FileRegistry | undefined;

/**
 * A message of the contract as proto3 JSON (https://protobuf.dev/programming-guides/json/): durations are `"5s"`, int64 are
 * strings, bytes are base64. Fields without presence always stand there, also where they hold nothing.
 * @param type the message's name in `postrider.v1`
 * @param encoded what its `encode` gave
 * @throws Error for a name that is no message of the contract
 */
export function protoJson(type: string, encoded: { finish(): Uint8Array }): JsonValue {
  registry ??= createFileRegistry(
    fromBinary(FileDescriptorSetSchema, readFileSync(new URL('descriptors.binpb', import.meta.url))),
  );
  const schema = registry.getMessage(`postrider.v1.${type}`);
  if (schema === undefined) throw new Error(`postrider.v1.${type} is no message of the contract`);
  return toJson(schema, fromBinary(schema, encoded.finish()), { registry, alwaysEmitImplicit: true });
}
