/** A file of protos: the bytes of its FileDescriptorProto, and what it holds. */
export interface DescribedFile {
  readonly name: string;
  /** As the compiler wrote them: options of our own would be lost by a library that does not know them. */
  readonly bytes: Buffer;
  readonly imports: readonly string[];
}

/** What a FileDescriptorSet holds, by name. */
export interface DescriptorIndex {
  /** The file of this name and all that it imports, directly or not; undefined: there is no such file. */
  file(name: string): readonly DescribedFile[] | undefined;
  /** The same for the file that declares a message, enum, service, method or extension. */
  symbol(name: string): readonly DescribedFile[] | undefined;
  /** The same for the file that declares this extension of a message. */
  extension(message: string, number: number): readonly DescribedFile[] | undefined;
  /** Numbers of the extensions of a message. */
  extensionsOf(message: string): readonly number[];
}

// Numbers of fields in google/protobuf/descriptor.proto.
const SET_FILE = 1;
const FILE = { name: 1, package: 2, import: 3, message: 4, enum: 5, service: 6, extension: 7 } as const;
const NAME = 1;
const SERVICE_METHOD = 2;
const EXTENSION = { extendee: 2, number: 3 } as const;

/** Reads a FileDescriptorSet whose types are not nested, as those of the contract are not. */
export function indexDescriptors(set: Buffer): DescriptorIndex {
  const files = new Map<string, DescribedFile>();
  const symbols = new Map<string, DescribedFile>();
  const extensions = new Map<string, Map<number, DescribedFile>>();
  for (const bytes of fieldsOf(set).get(SET_FILE) ?? []) {
    const fields = fieldsOf(asBytes(bytes));
    const file: DescribedFile = {
      name: text(fields, FILE.name),
      bytes: asBytes(bytes),
      imports: texts(fields, FILE.import),
    };
    files.set(file.name, file);
    for (const name of symbolsOf(fields)) symbols.set(name, file);
    for (const declared of messages(fields, FILE.extension)) {
      const extendee = text(declared, EXTENSION.extendee).replace(/^\./, '');
      const known = extensions.get(extendee) ?? new Map<number, DescribedFile>();
      extensions.set(extendee, known.set(Number(declared.get(EXTENSION.number)?.[0]), file));
    }
  }
  const withImports = (file: DescribedFile | undefined): readonly DescribedFile[] | undefined => {
    if (file === undefined) return undefined;
    const found = new Set([file]);
    // A set that grows while it is walked is walked to its end.
    for (const { imports } of found) for (const name of imports) found.add(files.get(name) ?? file);
    return [...found];
  };
  return {
    file: (name) => withImports(files.get(name)),
    symbol: (name) => withImports(symbols.get(name)),
    extension: (message, number) => withImports(extensions.get(message)?.get(number)),
    extensionsOf: (message) => [...(extensions.get(message)?.keys() ?? [])],
  };
}

/** Full names of what a file declares. */
function symbolsOf(file: Fields): string[] {
  const scope = text(file, FILE.package);
  return [FILE.message, FILE.enum, FILE.service, FILE.extension].flatMap((kind) =>
    messages(file, kind).flatMap((declared) => {
      const name = `${scope}.${text(declared, NAME)}`;
      const methods = kind === FILE.service ? messages(declared, SERVICE_METHOD) : [];
      return [name, ...methods.map((method) => `${name}.${text(method, NAME)}`)];
    }),
  );
}

type Fields = ReadonlyMap<number, readonly (Buffer | number)[]>;

/** The fields of a message by their numbers, as they stand on the wire: bytes or numbers; fixed-length ones are left out. */
function fieldsOf(message: Buffer): Fields {
  const fields = new Map<number, (Buffer | number)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const add = (number: number, value: Buffer | number): void =>
    void fields.set(number, [...(fields.get(number) ?? []), value]);
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        add(number, varint());
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint();
        add(number, message.subarray(at, at + length));
        at += length;
        break;
      }
      default:
        at += 4;
    }
  }
  return fields;
}

function asBytes(value: Buffer | number): Buffer {
  return typeof value === 'number' ? Buffer.alloc(0) : value;
}

function texts(fields: Fields, number: number): string[] {
  return (fields.get(number) ?? []).map((value) => asBytes(value).toString('utf8'));
}

function text(fields: Fields, number: number): string {
  return texts(fields, number)[0] ?? '';
}

function messages(fields: Fields, number: number): Fields[] {
  return (fields.get(number) ?? []).map((value) => fieldsOf(asBytes(value)));
}
