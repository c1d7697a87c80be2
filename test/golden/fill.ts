import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { create, ScalarType } from '@bufbuild/protobuf';
import type { ReflectList, ReflectMap, ReflectMessage } from '@bufbuild/protobuf/reflect';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { Variant } from './registry.ts';
import { fieldsOf, variantsOf } from './registry.ts';

/** A message that contains itself is filled this many levels deep. */
const levelsOfItself = 2;

/** What a newer version may have added: kept byte for byte by everybody who reads and writes the record again. */
const unknownFields = [
  { no: 1998, wireType: 0, data: Uint8Array.of(0xac, 0x02) },
  { no: 1999, wireType: 2, data: Uint8Array.of(0x03, 0x00, 0xff, 0x7f) },
] as const;

/** Sets every field of the variant, and of the messages in it, to a fixed value that is not its default. */
export function fill(variant: Variant): Message {
  return fillLevel(variant, []).message;
}

function fillLevel(variant: Variant, above: readonly DescMessage[]): ReflectMessage {
  const { message } = variant;
  const filled = reflect(message, create(message));
  for (const field of fieldsOf(variant)) setField(filled, field, [...above, message]);
  // Messages that Google defines do not change; the contract's code keeps nothing unknown of them.
  if (message.file.proto.package === 'postrider.v1')
    filled.setUnknown(unknownFields.map((unknown) => ({ ...unknown })));
  return filled;
}

function setField(target: ReflectMessage, field: DescField, above: readonly DescMessage[]): void {
  switch (field.fieldKind) {
    case 'scalar':
      return target.set(field, scalar(field.scalar, field, 0));
    case 'enum':
      return target.set(field, Math.max(...field.enum.values.map(({ number }) => number)));
    case 'message': {
      const value = filledMessage(field.message, field, above);
      return value === undefined ? undefined : target.set(field, value);
    }
    case 'list':
      return setList(target.get(field) as ReflectList, field, above);
    case 'map':
      return setMap(target.get(field) as ReflectMap, field, above);
  }
}

function setList(list: ReflectList, field: DescField & { fieldKind: 'list' }, above: readonly DescMessage[]): void {
  for (const index of [0, 1]) {
    if (field.listKind === 'scalar') list.add(scalar(field.scalar, field, index));
    else if (field.listKind === 'enum') list.add(field.enum.values.at(-1 - index)?.number ?? 0);
    else {
      const value = filledMessage(field.message, field, above);
      if (value !== undefined) list.add(value);
    }
  }
}

function setMap(map: ReflectMap, field: DescField & { fieldKind: 'map' }, above: readonly DescMessage[]): void {
  for (const index of [0, 1]) {
    const key = scalar(field.mapKey, field, index) as string;
    if (field.mapKind === 'scalar') map.set(key, scalar(field.scalar, field, index));
    else if (field.mapKind === 'message') {
      const value = filledMessage(field.message, field, above);
      if (value !== undefined) map.set(key, value);
    } else map.set(key, field.enum.values.at(-1)?.number ?? 0);
  }
}

function filledMessage(
  message: DescMessage,
  field: DescField,
  above: readonly DescMessage[],
): ReflectMessage | undefined {
  if (above.filter((one) => one === message).length >= levelsOfItself) return undefined;
  if (message.typeName === 'google.protobuf.Timestamp' || message.typeName === 'google.protobuf.Duration') {
    // A Timestamp becomes a Date, which counts milliseconds; the contract promises no more.
    const filled = reflect(message, create(message));
    const stamp = message.typeName.endsWith('Timestamp');
    filled.set(message.fields[0] as DescField, stamp ? 1_795_262_400n + BigInt(field.number) : BigInt(field.number));
    filled.set(message.fields[1] as DescField, stamp ? 123_000_000 : 456_789_012);
    return filled;
  }
  return fillLevel(variantsOf(message)[0] as Variant, above);
}

/** Values that a careless codec would damage: beyond 2^53, beyond 2^31, not ASCII, not UTF-8. */
function scalar(type: ScalarType, field: DescField, index: number): string | number | bigint | boolean | Uint8Array {
  switch (type) {
    case ScalarType.STRING:
      return `${field.name} ${index === 0 ? 'ä€😀' : '2'}`;
    case ScalarType.BYTES:
      return Uint8Array.of(0, 255, 128, field.number, index);
    case ScalarType.BOOL:
      return true;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return 2n ** 62n + BigInt(field.number + index);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return 4_000_000_000 + field.number + index;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return 0.5 + field.number + index;
    default:
      return 2_000_000_000 + field.number + index;
  }
}
