import { Ajv2020 } from 'ajv/dist/2020.js';
import { boundedJson, limits, schemaShapeProblems } from '@postrider/core';
import { RE2JS } from 're2js';
import type { FieldViolation } from '@postrider/core';
import type { AnySchema } from 'ajv/dist/2020.js';

/** Holds data against a schema: null when they fit, else one sentence with the first thing that does not. */
export type FitsSchema = (data: unknown) => string | null;

/** What came of reading a schema. */
export type ReadSchema = { readonly fits: FitsSchema } | { readonly violations: readonly FieldViolation[] };

const bounds = { bytesMax: limits.eventTypeSchemaBytesMax, depthMax: limits.eventTypeDepthMax };

/** Patterns are matched in time that is linear in the text: no choice of pattern and data can take long. */
const linearRegExp = Object.assign(
  (pattern: string): { test(text: string): boolean } => RE2JS.compile(RE2JS.translateRegExp(pattern)),
  { code: 'RE2JS' },
);

/**
 * Reads a JSON Schema of draft 2020-12. The library makes code of it and takes it for trusted: it is given none before its
 * shape has shown that what it makes is bounded. `format` asserts nothing, as in the draft.
 */
export function readEventSchema(text: string, field: string): ReadSchema {
  const json = boundedJson(text, bounds);
  if ('problem' in json) return { violations: [{ field, description: json.problem }] };
  const problems = schemaShapeProblems(json.value);
  if (problems.length > 0) return { violations: problems.map((one) => within(field, one)) };
  const ajv = new Ajv2020({
    code: { regExp: linearRegExp },
    strict: false,
    validateFormats: false,
    logger: false,
    // A copy at each reference could be exponential in the text.
    inlineRefs: false,
    addUsedSchema: false,
  });
  try {
    const schema = json.value as AnySchema;
    if (ajv.validateSchema(schema) !== true) return { violations: [{ field, description: firstError(ajv.errors) }] };
    const validate = ajv.compile(schema);
    return { fits: (data) => (validate(data) ? null : firstError(validate.errors)) };
  } catch (error) {
    // Such as a pattern that is none.
    return { violations: [{ field, description: `cannot be used: ${(error as Error).message.slice(0, 150)}` }] };
  }
}

function within(field: string, { field: pointer, description }: FieldViolation): FieldViolation {
  return { field, description: `${pointer.slice(0, 100)} ${description}` };
}

/** Where, and what is asked there; never the data themselves. */
function firstError(errors: Ajv2020['errors']): string {
  const [error] = errors ?? [];
  const where = error === undefined || error.instancePath === '' ? 'it' : error.instancePath.slice(0, 100);
  return `${where} ${(error?.message ?? 'does not fit the schema').slice(0, 150)}`;
}
