import type {
  DescEnum,
  DescField,
  DescFile,
  DescMessage,
  DescMethod,
  DescOneof,
  DescService,
} from '@bufbuild/protobuf';

/** What can have a docstring. Types stand at the top of their file: the contract nests none. */
export type Documented =
  | DescEnum
  | DescEnum['values'][number]
  | DescField
  | DescMessage
  | DescMethod
  | DescOneof
  | DescService;

/** Numbers of the fields of google.protobuf's own descriptors, of which a comment's path is made. */
const inFile = { message: 4, enum: 5, service: 6 } as const;
const inMessage = { field: 2, oneof: 8 } as const;
const VALUE_OF_ENUM = 2;
const METHOD_OF_SERVICE = 2;

/**
 * The docstring above a declaration, on one line. The file must have come with its source information.
 * @throws Error that names the declaration when it has none
 */
export function docOf(desc: Documented): string {
  const path = pathOf(desc).join('.');
  const found = fileOf(desc).proto.sourceCodeInfo?.location.find((one) => one.path.join('.') === path);
  const text = (found?.leadingComments ?? '').replaceAll(/\s+/g, ' ').trim();
  if (text === '') throw new Error(`${desc.toString()} has no docstring`);
  return text;
}

function fileOf(desc: Documented): DescFile {
  return 'file' in desc ? desc.file : desc.parent.file;
}

function pathOf(desc: Documented): number[] {
  const { proto } = fileOf(desc);
  switch (desc.kind) {
    case 'message':
      return [inFile.message, proto.messageType.indexOf(desc.proto)];
    case 'enum':
      return [inFile.enum, proto.enumType.indexOf(desc.proto)];
    case 'service':
      return [inFile.service, proto.service.indexOf(desc.proto)];
    case 'field':
      return [...pathOf(desc.parent), inMessage.field, desc.parent.proto.field.indexOf(desc.proto)];
    case 'oneof':
      return [...pathOf(desc.parent), inMessage.oneof, desc.parent.proto.oneofDecl.indexOf(desc.proto)];
    case 'enum_value':
      return [...pathOf(desc.parent), VALUE_OF_ENUM, desc.parent.proto.value.indexOf(desc.proto)];
    case 'rpc':
      return [...pathOf(desc.parent), METHOD_OF_SERVICE, desc.parent.proto.method.indexOf(desc.proto)];
  }
}
