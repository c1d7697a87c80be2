import { boundedJson, limits } from '@postrider/core';
import { checkLabels, createViolations } from '../validate-common.ts';
import { readEventSchema } from './event-schema.ts';
import type { EventType } from '@postrider/contract/postrider/v1/event_type';
import type { FieldViolation } from '@postrider/core';
import type { Violations } from '../validate-common.ts';
import type { FitsSchema } from './event-schema.ts';

const typeForm = /^[A-Za-z0-9][A-Za-z0-9._:-]*$/;

/** What is wrong with an event type as the id of a resource; null when nothing is. */
export function eventTypeIdProblem(id: string): string | null {
  if (typeForm.test(id) && id.length <= limits.eventTypeBytesMax) return null;
  return `must be 1–${limits.eventTypeBytesMax} of the characters A–Z, a–z, 0–9, ".", "_", ":" and "-", beginning with a letter or digit`;
}

/** Everything that is wrong with an event type as a client wants it. */
export function validateEventType({ description, labels, schema, examples }: EventType): readonly FieldViolation[] {
  const violations = createViolations();
  checkDescription(violations, description);
  checkLabels(violations, 'event_type.labels', labels);
  checkExamples(violations, examples, checkSchema(violations, schema));
  return violations.list;
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

/** Of several lines, if need be. */
function checkDescription(violations: Violations, text: string): void {
  const most = limits.eventTypeDescriptionMax;
  const field = 'event_type.description';
  if (text.length > most) violations.add(field, `has ${text.length} characters; at most ${most} are allowed`);
  if (control.test(text)) violations.add(field, 'must not hold control characters other than line ends and tabs');
}

/** What examples must fit; null where nothing is said of them, or the schema is none. */
function checkSchema(violations: Violations, schema: string): FitsSchema | null {
  if (schema === '') return null;
  const read = readEventSchema(schema, 'event_type.schema');
  if ('fits' in read) return read.fits;
  violations.addAll(read.violations);
  return null;
}

function checkExamples(violations: Violations, examples: readonly string[], fits: FitsSchema | null): void {
  const field = 'event_type.examples';
  if (examples.length > limits.eventTypeExamplesMax) {
    const text = `has ${examples.length} examples; at most ${limits.eventTypeExamplesMax} are allowed`;
    return violations.add(field, text);
  }
  let bytesMax = limits.eventTypeExamplesBytesMax;
  for (const [index, example] of examples.entries()) {
    const json = boundedJson(example, { bytesMax, depthMax: limits.eventTypeDepthMax });
    bytesMax -= Buffer.byteLength(example);
    const problem = 'problem' in json ? json.problem : (fits?.(json.value) ?? null);
    if (problem !== null) violations.add(`${field}[${index}]`, problem);
    if (bytesMax < 0) return;
  }
}
