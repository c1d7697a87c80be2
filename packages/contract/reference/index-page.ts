import type { DescService } from '@bufbuild/protobuf';
import { accessRuleOf, rolesOf } from '../access-rules.ts';
import { markdownPage, table } from './markdown.ts';
import { methodsTable } from './method-text.ts';
import { pageName } from './reference.ts';
import { typeLink } from './type-text.ts';
import type { Reference, Type } from './reference.ts';

/** The first page: how to read the others, and every method of every service. */
export function indexPage(reference: Reference, services: readonly DescService[], shared: readonly Type[]): string {
  return markdownPage('Reference of the API', [
    `Every method and field of \`postrider.v1\`, as the protos in [proto/postrider/v1/](../../../proto/postrider/v1) say it. How to
call it: [the API in five minutes](../README.md). Who may do what: [access.md](../access.md).`,
    `In JSON, fields are written \`lowerCamelCase\`; a \`Timestamp\` is text as in \`"2026-01-31T09:30:00Z"\`, a \`Duration\` as in \`"90s"\`, a
\`FieldMask\` as in \`"displayName,labels"\`; 64-bit numbers are text, and \`bytes\` are base64. A field that is left out has its default: the
empty text, 0, false, an empty list. *Required* fields must be given; *output only* ones are ignored in
what you send, and refused in a mask; *immutable* ones are given at creation, and stay; *input only* ones are never shown.`,
    `This version serves gRPC alone: what stands under “over HTTP” is where a method will be reached as HTTP with JSON.`,
    ...services.flatMap((service) => {
      const file = `${pageName(service)}.md`;
      return [`## [${service.name}](${file})`, reference.options.doc(service), methodsTable(reference, service, file)];
    }),
    '## By role',
    'What each role may call; `admin` may call everything. What any of it reaches: [access.md](../access.md#roles).',
    rolesTable(reference, services),
    ...(shared.length === 0
      ? []
      : ['## Shared types', `${shared.map((type) => typeLink(reference, type, '')).join(', ')}.`]),
  ]);
}

/** The methods of each role but `admin`, in the order of their services. */
function rolesTable({ registry }: Reference, services: readonly DescService[]): string {
  const methodsOf = new Map<string, string[]>();
  for (const service of services) {
    for (const method of service.methods) {
      const link = `[${method.name}](${pageName(service)}.md#${method.name.toLowerCase()})`;
      for (const role of rolesOf(accessRuleOf(registry, method))) {
        if (role !== 'admin') methodsOf.set(role, [...(methodsOf.get(role) ?? []), link]);
      }
    }
  }
  return table(
    ['role', 'may call'],
    [...methodsOf].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([role, links]) => [`\`${role}\``, links.join(', ')]),
  );
}
