import { getOption } from '@bufbuild/protobuf';
import type { DescExtension, DescField, DescMessage, DescMethod, FileRegistry } from '@bufbuild/protobuf';
import { docOf } from './comments.ts';

interface HttpRule {
  readonly pattern: { readonly case?: string; readonly value?: unknown };
  readonly body: string;
  readonly additionalBindings: readonly HttpRule[];
}

/** What stands beside declarations, in words. */
export type Options = ReturnType<typeof createOptions>;

/** Reads docstrings and annotations. */
export function createOptions(registry: FileRegistry) {
  const extension = (name: string): DescExtension => {
    const found = registry.getExtension(name);
    if (found === undefined) throw new Error(`there is no option ${name}`);
    return found;
  };
  const [http, behavior, resource] = [
    extension('google.api.http'),
    extension('google.api.field_behavior'),
    extension('google.api.resource'),
  ];
  const behaviors = registry.getEnum('google.api.FieldBehavior');
  return {
    doc: docOf,
    /** `POST /v1/tenants`, and what of the request is its body; all of them, when there are several. */
    http(method: DescMethod): { readonly path: string; readonly body: string }[] {
      const rule = getOption(method, http) as unknown as HttpRule;
      return [rule, ...rule.additionalBindings].flatMap(({ pattern, body }) =>
        pattern.case === undefined
          ? []
          : [{ path: `${pattern.case.toUpperCase()} ${String(pattern.value)}`, body: bodyWords(body) }],
      );
    },
    /** `required`, `output only` and the like. */
    behaviors(field: DescField): string[] {
      const numbers = getOption(field, behavior) as unknown as readonly number[];
      return numbers.map((number) => (behaviors?.value[number]?.name ?? '').toLowerCase().replaceAll('_', ' '));
    },
    /** Patterns of a resource's names; none: it is no resource. */
    patterns(message: DescMessage): readonly string[] {
      return (getOption(message, resource) as unknown as { readonly pattern: readonly string[] }).pattern;
    },
  };
}

function bodyWords(body: string): string {
  return { '': '', '*': 'the rest of the request' }[body] ?? `\`${body}\``;
}
