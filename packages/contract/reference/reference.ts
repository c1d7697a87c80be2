import type { DescEnum, DescMessage, DescService, FileRegistry } from '@bufbuild/protobuf';
import type { Options } from './options.ts';

/** A type that has a section of its own. */
export type Type = DescMessage | DescEnum;

/** What the texts of a page need to know of the contract. */
export interface Reference {
  readonly registry: FileRegistry;
  readonly options: Options;
  /** The page that a type's section stands on; undefined: it has none. */
  pageOf(type: Type): string | undefined;
}

/** The name of a service's page, without `.md`. */
export function pageName({ file }: DescService): string {
  return (file.name.split('/').at(-1) ?? '').replaceAll('_', '-');
}
