import { createFileRegistry, fromBinary, ScalarType } from '@bufbuild/protobuf';
import type { DescField, DescMessage, DescMethod } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { ACCESS_OPTION, accessRuleOf, roleNames, rolesOf } from './access-rules.ts';
import type { AccessRule } from './access-rules.ts';

const effects = ['', 'read', 'write', 'reveal', 'publish'];
const READ = effects.indexOf('read');

/**
 * The table of all methods with their rules as TypeScript, from a descriptor set.
 * @throws Error that names every method without a rule, with one that gives a role twice or an unknown one, or whose field
 * for the tenant is not a field of its request
 */
export function writeMethods(descriptors: Uint8Array): string {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
  const services = [...registry.files].flatMap((file) => (file.proto.package === 'postrider.v1' ? file.services : []));
  const methods = services.flatMap((service) => service.methods);
  const rules = methods.map((method) => ({ method, rule: accessRuleOf(registry, method) }));
  const problems = rules.flatMap(({ method, rule }) => {
    const isTwice = methods.some((other) => other !== method && other.name === method.name);
    return [...ruleProblems(method, rule), ...(isTwice ? ['has the name of another method'] : [])].map(
      (problem) => `${method.parent.typeName}.${method.name} ${problem}`,
    );
  });
  if (problems.length > 0) throw new Error(`who may call what is not said:\n  ${problems.join('\n  ')}`);
  return [
    '// Written from the options of the methods in proto/. Do not edit.',
    '',
    '/** Every method of the contract, by its name: who may call it, what it does, and where its request names the tenant. */',
    'export const methodRules = {',
    ...rules.map(({ method, rule }) => entry(method, rule)).toSorted(),
    '} as const;',
    '',
  ].join('\n');
}

function ruleProblems(method: DescMethod, rule: AccessRule): string[] {
  const isKnown = rule.roles.every((role) => (roleNames[role] ?? '') !== '');
  if (rule.effect === 0) return [`has no rule: add "option (${ACCESS_OPTION})"`];
  if (rule.anyone && (rule.roles.length > 0 || rule.effect !== READ || rule.tenant !== '' || rule.internal))
    return ['is for anyone, and so must only read what is no tenant’s, and give no roles'];
  if (!isKnown || new Set(rule.roles).size < rule.roles.length) return ['gives a role twice, or one that there is not'];
  if (rule.tenant === '' || rule.tenant === '-' || fieldAt(method, rule.tenant)?.at(-1)?.scalar === ScalarType.STRING)
    return [];
  return [`names ${rule.tenant}, which is no text field of ${method.input.name}`];
}

function entry(method: DescMethod, rule: AccessRule): string {
  const { effect, tenant, internal, anyone } = rule;
  const value = {
    service: method.parent.typeName,
    roles: rolesOf(rule),
    effect: effects[effect],
    tenant:
      fieldAt(method, tenant)
        ?.map(({ localName }) => localName)
        .join('.') ?? tenant,
    internal,
    anyone,
  };
  return `  ${method.name}: ${JSON.stringify(value)},`;
}

/** The fields of a path, from the request on; undefined when there is no such path. */
function fieldAt(method: DescMethod, path: string): readonly DescField[] | undefined {
  const fields: DescField[] = [];
  let message: DescMessage | undefined = method.input;
  for (const part of path.split('.')) {
    const field: DescField | undefined = message?.fields.find(({ name }) => name === part);
    if (field === undefined) return undefined;
    fields.push(field);
    message = field.message;
  }
  return fields;
}
