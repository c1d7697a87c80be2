import { createFileRegistry, fromBinary, ScalarType } from '@bufbuild/protobuf';
import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { accessRuleOf } from './access-rules.ts';

const fixed64: ReadonlySet<ScalarType> = new Set([ScalarType.DOUBLE, ScalarType.FIXED64, ScalarType.SFIXED64]);
const fixed32: ReadonlySet<ScalarType> = new Set([ScalarType.FLOAT, ScalarType.FIXED32, ScalarType.SFIXED32]);

/**
 * The shapes of all requests of the API as TypeScript, from a descriptor set: which fields their messages have, by number,
 * and how each stands on the wire. Generated decoders step over what does not fit; whoever must not, looks here.
 */
export function writeShapes(descriptors: Uint8Array): string {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
  const services = [...registry.files].flatMap((file) => (file.proto.package === 'postrider.v1' ? file.services : []));
  const methods = services
    .flatMap((service) => service.methods)
    .filter((method) => !accessRuleOf(registry, method).internal);
  const messages = new Map<string, DescMessage>();
  const enums = new Map<string, DescEnum>();
  const gather = (message: DescMessage): void => {
    if (messages.has(message.typeName)) return;
    messages.set(message.typeName, message);
    for (const field of message.fields) {
      const type = enumOf(field);
      if (type !== undefined) enums.set(type.typeName, type);
      const inner = messageOf(field);
      if (inner !== undefined) gather(inner);
    }
  };
  for (const { input } of methods) gather(input);
  const entries = [...messages.values()].flatMap(({ fields }) => fields.filter((field) => field.fieldKind === 'map'));
  const sorted = <T>(map: ReadonlyMap<string, T>, text: (value: T) => string): string[] =>
    [...map].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `  '${name}': ${text(value)},`);
  return [
    '// Written from proto/. Do not edit.',
    '',
    '/** A field: its name, how it stands on the wire, the type of what it holds, and whether it may stand there repeatedly. */',
    'export type FieldShape = readonly [name: string, kind: FieldKind, type: string, repeated: boolean];',
    "export type FieldKind = 'varint' | 'fixed32' | 'fixed64' | 'text' | 'bytes' | 'enum' | 'message';",
    '',
    '/** The type of the request of each method, by its path. */',
    'export const requestTypes: Readonly<Record<string, string>> = {',
    ...methods.map(({ parent, name, input }) => `  '/${parent.typeName}/${name}': '${input.typeName}',`).toSorted(),
    '};',
    '',
    '/** The fields of each message that a request may hold, by number. */',
    'export const messageShapes: Readonly<Record<string, Readonly<Record<number, FieldShape>>>> = {',
    ...sorted(
      messages,
      ({ fields }) => `{ ${fields.map((field) => `${field.number}: ${shapeOf(field)}`).join(', ')} }`,
    ),
    ...entries.map((field) => `  '${entryType(field)}': { 1: ${keyShape(field)}, 2: ${valueShape(field)} },`),
    '};',
    '',
    '/** The numbers that each enum has names for. */',
    'export const enumNumbers: Readonly<Record<string, readonly number[]>> = {',
    ...sorted(enums, ({ values }) => JSON.stringify(values.map((value) => value.number))),
    '};',
    '',
  ].join('\n');
}

/** Of a map: of its values. */
function messageOf(field: DescField): DescMessage | undefined {
  return field.fieldKind === 'scalar' || field.fieldKind === 'enum' ? undefined : field.message;
}

function enumOf(field: DescField): DescEnum | undefined {
  return field.fieldKind === 'scalar' || field.fieldKind === 'message' ? undefined : field.enum;
}

function shapeOf(field: DescField): string {
  const { name, fieldKind } = field;
  if (fieldKind === 'map') return JSON.stringify([name, 'message', entryType(field), true]);
  return JSON.stringify([name, ...kindOf(field), fieldKind === 'list']);
}

/** On the wire a map is a list of messages of key and value. */
function entryType({ parent, name }: DescField): string {
  return `${parent.typeName}/${name}`;
}

function keyShape({ mapKey }: DescField & { readonly fieldKind: 'map' }): string {
  return JSON.stringify(['key', scalarKind(mapKey), '', false]);
}

function valueShape(field: DescField & { readonly fieldKind: 'map' }): string {
  return JSON.stringify(['value', ...kindOf(field), false]);
}

/** How a value stands on the wire, and the type of what it holds; of a map: its values. */
function kindOf(field: DescField): readonly [kind: string, type: string] {
  const message = messageOf(field);
  if (message !== undefined) return ['message', message.typeName];
  const type = enumOf(field);
  return type === undefined ? [scalarKind(field.scalar as ScalarType), ''] : ['enum', type.typeName];
}

function scalarKind(scalar: ScalarType): string {
  if (scalar === ScalarType.STRING) return 'text';
  if (scalar === ScalarType.BYTES) return 'bytes';
  if (fixed64.has(scalar)) return 'fixed64';
  return fixed32.has(scalar) ? 'fixed32' : 'varint';
}
