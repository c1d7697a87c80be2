import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { Plain } from './plain.ts';
import type { Variant } from './registry.ts';
import { fieldsOf, variantName } from './registry.ts';

/** A record as some version wrote it, with what it says. */
export interface Golden {
  /** `<variant>.<number>`, for example `ConfigRecord.endpoint.1`. */
  readonly name: string;
  /** Name of the message. */
  readonly message: string;
  readonly bytes: Buffer;
  readonly json: Plain;
}

/** Reads every golden record. */
export function goldens(folder: string = import.meta.dirname): Golden[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.binpb'))
    .map((file) => {
      const name = file.replace(/\.binpb$/, '');
      return {
        name,
        message: name.split('.')[0] ?? '',
        bytes: readFileSync(join(folder, file)),
        json: JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Plain,
      };
    });
}

/** What is missing of a variant: names of fields that no golden record of it has set, or that there is no record at all. */
export function uncovered(variant: Variant): readonly string[] {
  const name = variantName(variant);
  const records = goldens()
    .filter((golden) => golden.name.replace(/\.\d+$/, '') === name)
    .map(({ bytes }) => reflect(variant.message, fromBinary(variant.message, bytes)));
  if (records.length === 0) return [`${name} has no golden record`];
  return fieldsOf(variant)
    .filter((field) => !records.some((record) => record.isSet(field)))
    .map((field) => `${name}.${field.name} is set in no golden record`);
}
