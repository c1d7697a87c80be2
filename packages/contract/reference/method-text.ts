import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { accessRuleOf, rolesOf } from '../access-rules.ts';
import { table } from './markdown.ts';
import { fieldsTable, typeLink } from './type-text.ts';
import type { AccessRule } from '../access-rules.ts';
import type { Reference } from './reference.ts';

/** The methods of a service as a table, with links to their sections on the page of this file name. */
export function methodsTable({ registry, options }: Reference, { methods }: DescService, file: string): string {
  return table(
    ['method', 'over HTTP (not served yet)', 'may be called by'],
    methods.map((method) => [
      `[${method.name}](${file}#${method.name.toLowerCase()})`,
      options
        .http(method)
        .map(({ path }) => `\`${path}\``)
        .join('<br>'),
      whoMay(accessRuleOf(registry, method)),
    ]),
  );
}

/** The section of a method: what it does, who may call it, what it takes and answers. */
export function methodSection(reference: Reference, method: DescMethod, page: string): string[] {
  const { options } = reference;
  const [does = '', errors] = options.doc(method).split(/(?<=\.) Errors: /);
  const { input, output } = method;
  const streams = (isStream: boolean): string => (isStream ? 'a stream of ' : '');
  const takesStream = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming';
  const givesStream = method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming';
  const answer = output.typeName === 'google.protobuf.Empty' ? 'nothing' : typeLink(reference, output, page);
  const fields = fieldsTable(reference, input, page);
  return [
    `## ${method.name}`,
    does,
    [
      `- Over HTTP (not served yet): ${httpWords(reference, method)}`,
      `- May be called by: ${accessWords(reference, method)}`,
      ...(errors === undefined ? [] : [`- Errors: ${errors}`]),
      `- Answers with: ${streams(givesStream)}${answer}`,
      `- Takes: ${streams(takesStream)}\`${input.name}\`${fields.length === 0 ? ', which has no fields' : ''}`,
    ].join('\n'),
    ...fields,
  ];
}

function httpWords({ options }: Reference, method: DescMethod): string {
  const ways = options.http(method).map(({ path, body }) => `\`${path}\`${body === '' ? '' : `, the body is ${body}`}`);
  return ways.length === 0 ? 'not at all' : ways.join('; or ');
}

function whoMay(rule: AccessRule): string {
  return rule.anyone ? 'anyone' : rolesOf(rule).join(', ');
}

function accessWords({ registry }: Reference, method: DescMethod): string {
  const rule = accessRuleOf(registry, method);
  const who = whoMay(rule);
  if (rule.anyone) return `${who}, without credentials`;
  switch (rule.tenant) {
    case '':
      return `${who}; with a role in all tenants`;
    case '-':
      return `${who}; who has roles in some tenants sees and touches what is of these`;
    default:
      return `${who}; in the tenant that \`${rule.tenant}\` names`;
  }
}
