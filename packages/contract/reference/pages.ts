import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { DescMessage, DescService, FileRegistry } from '@bufbuild/protobuf';
import { accessRuleOf } from '../access-rules.ts';
import { indexPage } from './index-page.ts';
import { markdownPage } from './markdown.ts';
import { methodSection, methodsTable } from './method-text.ts';
import { createOptions } from './options.ts';
import { pageName } from './reference.ts';
import { typeSection } from './type-text.ts';
import type { Reference, Type } from './reference.ts';

/** Where types stand that more than one service uses. */
const SHARED = 'shared';

/**
 * The reference of the API as Markdown pages, by file name: an index, one page for each service that callers reach, and one of the
 * types that several of them share.
 * @param descriptors a FileDescriptorSet with its source information
 * @throws Error that names a declaration without a docstring
 */
export function referencePages(descriptors: Uint8Array): ReadonlyMap<string, string> {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
  const services = publicServices(registry);
  const users = usersOf(services);
  const homes = new Map([...users].map(([type, by]) => [type, homeOf(type, by)]));
  const reference: Reference = { registry, options: createOptions(registry), pageOf: (type) => homes.get(type) };
  const typesOn = (page: string): Type[] =>
    [...homes].flatMap(([type, home]) => (home === page ? [type] : [])).toSorted(byName);
  const pages = services.map((service): [string, string] => {
    const name = pageName(service);
    return [name, servicePage(reference, service, typesOn(name))];
  });
  const shared = typesOn(SHARED);
  const all = [
    ['README', indexPage(reference, services, shared)],
    ...pages,
    ...(shared.length === 0 ? [] : [[SHARED, sharedPage(reference, shared)]]),
  ];
  return new Map(all.map(([name, page = '']) => [`${name}.md`, page]));
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);

/** Those that the control plane serves: what Postrider's own processes ask each other is nobody else's. */
function publicServices(registry: FileRegistry): DescService[] {
  const all = [...registry.files].flatMap((file) => (file.proto.package === 'postrider.v1' ? file.services : []));
  return all
    .filter(({ methods }) => methods.some((method) => !accessRuleOf(registry, method).internal))
    .toSorted(byName);
}

/** Every type of the contract that a caller can meet but requests, which stand with their methods; and the services that use it. */
function usersOf(services: readonly DescService[]): Map<Type, Set<DescService>> {
  const users = new Map<Type, Set<DescService>>();
  const visit = (type: Type | undefined, service: DescService): void => {
    if (type === undefined || type.file.proto.package !== 'postrider.v1') return;
    const by = users.get(type) ?? new Set();
    if (by.has(service)) return;
    users.set(type, by.add(service));
    if (type.kind === 'message') visitFields(type, service);
  };
  const visitFields = (message: DescMessage, service: DescService): void => {
    for (const field of message.fields) visit(field.enum ?? field.message, service);
  };
  for (const service of services) {
    for (const { input, output } of service.methods) {
      visitFields(input, service);
      visit(output, service);
    }
  }
  return users;
}

/** A resource stands with the service that manages it, whoever else shows it. */
function homeOf(type: Type, by: ReadonlySet<DescService>): string {
  const [only, ...more] = by;
  const manager = [...by].find(({ file }) => file.name === `${type.file.name}_service`);
  const home = manager ?? (more.length === 0 ? only : undefined);
  return home === undefined ? SHARED : pageName(home);
}

function servicePage(reference: Reference, service: DescService, types: readonly Type[]): string {
  const page = pageName(service);
  return markdownPage(service.name, [
    `\`${service.typeName}\`. ${reference.options.doc(service)}`,
    methodsTable(reference, service, ''),
    ...service.methods.flatMap((method) => methodSection(reference, method, page)),
    ...(types.length === 0 ? [] : ['## Types', ...types.flatMap((type) => typeSection(reference, type, page))]),
  ]);
}

function sharedPage(reference: Reference, types: readonly Type[]): string {
  return markdownPage('Shared types', [
    'Types that more than one service uses.',
    ...types.flatMap((type) => typeSection(reference, type, SHARED)),
  ]);
}
