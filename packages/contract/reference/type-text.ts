import { ScalarType } from '@bufbuild/protobuf';
import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';
import { table } from './markdown.ts';
import type { Reference, Type } from './reference.ts';

/** The section of a type: what it is, and a table of its fields or values. */
export function typeSection(reference: Reference, type: Type, page: string): string[] {
  const { options } = reference;
  const heading = `### ${type.name}`;
  if (type.kind === 'enum') return [heading, options.doc(type), valuesTable(reference, type)];
  const patterns = options.patterns(type).map((pattern) => `\`${pattern}\``);
  const names = patterns.length === 0 ? [] : [`Resource name: ${patterns.join(', ')}.`];
  return [heading, options.doc(type), ...names, ...fieldsTable(reference, type, page)];
}

/** The fields of a message as a table; nothing for a message without fields. */
export function fieldsTable(reference: Reference, message: DescMessage, page: string): string[] {
  if (message.fields.length === 0) return [];
  return [
    table(
      ['field', 'type', 'meaning'],
      message.fields.map((field) => [
        `\`${field.name}\``,
        typeWords(reference, field, page),
        meaning(reference, field),
      ]),
    ),
  ];
}

function valuesTable({ options }: Reference, type: DescEnum): string {
  return table(
    ['value', 'number', 'meaning'],
    type.values.map((value) => [`\`${value.name}\``, String(value.number), options.doc(value)]),
  );
}

function meaning({ options }: Reference, field: DescField): string {
  const behaviors = options.behaviors(field).filter((one) => one !== 'identifier');
  const oneOf = field.oneof === undefined ? [] : [`one of \`${field.oneof.name}\``];
  const before = [...behaviors, ...oneOf].map((one) => `*${one}*`).join(', ');
  return before === '' ? options.doc(field) : `${before}. ${options.doc(field)}`;
}

function typeWords(reference: Reference, field: DescField, page: string): string {
  const one = (scalar: ScalarType | undefined, type: Type | undefined): string =>
    type === undefined ? (ScalarType[scalar ?? 0] ?? '').toLowerCase() : typeLink(reference, type, page);
  switch (field.fieldKind) {
    case 'scalar':
      return one(field.scalar, undefined);
    case 'enum':
      return one(undefined, field.enum);
    case 'message':
      return one(undefined, field.message);
    case 'list':
      return `list of ${one(field.scalar, field.enum ?? field.message)}`;
    case 'map':
      return `map of ${one(field.mapKey, undefined)} to ${one(field.scalar, field.enum ?? field.message)}`;
  }
}

/** The name of a type, as a link where it has a section. */
export function typeLink({ pageOf }: Reference, type: Type, page: string): string {
  const home = pageOf(type);
  if (home === undefined) return type.name;
  return `[${type.name}](${home === page ? '' : `${home}.md`}#${type.name.toLowerCase()})`;
}
