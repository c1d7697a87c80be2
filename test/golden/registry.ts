import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { DescField, DescMessage, FileRegistry } from '@bufbuild/protobuf';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import * as attempt from '@postrider/contract/postrider/v1/attempt';
import * as audit from '@postrider/contract/postrider/v1/audit';
import * as config from '@postrider/contract/postrider/v1/config';
import * as deadLetter from '@postrider/contract/postrider/v1/dead_letter';
import * as delivery from '@postrider/contract/postrider/v1/delivery';
import * as drain from '@postrider/contract/postrider/v1/drain';
import * as egress from '@postrider/contract/postrider/v1/egress';
import * as endpoint from '@postrider/contract/postrider/v1/endpoint';
import * as eventType from '@postrider/contract/postrider/v1/event_type';
import * as operation from '@postrider/contract/postrider/v1/operation';
import * as ownership from '@postrider/contract/postrider/v1/ownership';
import * as pause from '@postrider/contract/postrider/v1/pause';
import * as roleBinding from '@postrider/contract/postrider/v1/role_binding';
import * as subscription from '@postrider/contract/postrider/v1/subscription';
import * as tenant from '@postrider/contract/postrider/v1/tenant';

/** The code under test: what reads and writes a message. */
export interface Codec {
  decode(bytes: Uint8Array): object;
  encode(message: object): { finish(): Uint8Array };
}

/** The modules of the contract whose messages stand on topics, by the proto file they are made from. */
const modules: Readonly<Record<string, object>> = {
  'postrider/v1/attempt': attempt,
  'postrider/v1/audit': audit,
  'postrider/v1/config': config,
  'postrider/v1/dead_letter': deadLetter,
  'postrider/v1/delivery': delivery,
  'postrider/v1/drain': drain,
  'postrider/v1/egress': egress,
  'postrider/v1/endpoint': endpoint,
  'postrider/v1/event_type': eventType,
  'postrider/v1/operation': operation,
  'postrider/v1/ownership': ownership,
  'postrider/v1/pause': pause,
  'postrider/v1/role_binding': roleBinding,
  'postrider/v1/subscription': subscription,
  'postrider/v1/tenant': tenant,
};

/** Loads the checked-in descriptor set of the contract. */
export function loadRegistry(): FileRegistry {
  const path = createRequire(import.meta.url).resolve('@postrider/contract/descriptors.binpb');
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(path)));
}

/**
 * Every message that stands on a topic or inside one that does, by name. Requests and answers of the API, and options of
 * its methods, are not among them: nobody reads those a week later.
 */
export function recordMessages(registry: FileRegistry): ReadonlyMap<string, DescMessage> {
  const found = new Map<string, DescMessage>();
  for (const file of registry.files) {
    if (file.proto.package !== 'postrider.v1' || /_service$|\/access$/.test(file.name)) continue;
    for (const message of file.messages) found.set(message.name, message);
  }
  return found;
}

/** The contract's code for a message. Throws when a proto file is missing in the list above. */
export function codecOf(message: DescMessage): Codec {
  const module = modules[message.file.name] as Readonly<Record<string, Codec>> | undefined;
  const codec = module?.[message.name];
  if (codec === undefined) throw new Error(`test/golden/registry.ts knows no module for ${message.typeName}`);
  return codec;
}

/** One choice of a message's oneof, or the message itself when it has none. */
export interface Variant {
  readonly message: DescMessage;
  /** The field of the oneof that is set; undefined when the message has no oneof. */
  readonly arm: DescField | undefined;
}

/** The variants of a message: one for each arm of its oneof, so that every arm has a record of its own. */
export function variantsOf(message: DescMessage): readonly Variant[] {
  const arms = message.oneofs.flatMap(({ fields }) => fields);
  return arms.length === 0 ? [{ message, arm: undefined }] : arms.map((arm) => ({ message, arm }));
}

/** Name of a variant in file names: `Delivery`, `ConfigRecord.endpoint`. */
export function variantName({ message, arm }: Variant): string {
  return arm === undefined ? message.name : `${message.name}.${arm.name}`;
}

/** The fields that a variant must have set: all but the other arms. */
export function fieldsOf({ message, arm }: Variant): readonly DescField[] {
  return message.fields.filter((field) => field.oneof === undefined || field === arm);
}
