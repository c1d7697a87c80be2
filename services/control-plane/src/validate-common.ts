import { limits } from '@postrider/core';
import type { FieldViolation } from '@postrider/core';
import { serverLimits } from './server-limits.ts';

/** Collects what is wrong with a request, field by field. */
export interface Violations {
  readonly list: readonly FieldViolation[];
  add(field: string, description: string, reason?: string): void;
  addAll(violations: readonly FieldViolation[]): void;
}

export const NOT_SUPPORTED = 'is not supported by this version';

/** Nothing is wrong yet. */
export function createViolations(): Violations {
  const list: FieldViolation[] = [];
  return {
    list,
    add: (field, description, reason) =>
      void list.push({ field, description, ...(reason !== undefined && { reason }) }),
    addAll: (violations) => void list.push(...violations),
  };
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f]/;

export function checkDisplayName(violations: Violations, field: string, text: string): void {
  if (text.length > limits.displayNameMax) {
    violations.add(field, `has ${text.length} characters; at most ${limits.displayNameMax} are allowed`);
  }
  if (control.test(text)) violations.add(field, 'must not hold control characters');
}

export function checkLabels(violations: Violations, field: string, labels: Readonly<Record<string, string>>): void {
  const entries = Object.entries(labels);
  if (entries.length > limits.labelsMax) {
    return violations.add(field, `has ${entries.length} labels; at most ${limits.labelsMax} are allowed`);
  }
  for (const [key, value] of entries) {
    const path = `${field}[${JSON.stringify(key.slice(0, limits.labelKeyMax))}]`;
    if (key === '' || key.length > limits.labelKeyMax || control.test(key)) {
      violations.add(path, `must have a key of 1–${limits.labelKeyMax} printable characters`);
    }
    if (value.length > limits.labelValueMax || control.test(value)) {
      violations.add(path, `must have a value of at most ${limits.labelValueMax} printable characters`);
    }
  }
}

export function checkRequestId(violations: Violations, requestId: string): void {
  if (requestId.length > serverLimits.requestIdMax) {
    violations.add('request_id', `must have at most ${serverLimits.requestIdMax} characters`);
  }
}

/** Why a person does something, for those who find it. */
export function checkReason(violations: Violations, reason: string): void {
  if (reason === '' || reason.length > serverLimits.reasonMax || control.test(reason)) {
    violations.add('reason', `must have 1–${serverLimits.reasonMax} printable characters`);
  }
}

/** An enum number that this version has no name for. */
export function checkKnown(violations: Violations, field: string, value: string | undefined): void {
  if (value === 'UNRECOGNIZED') violations.add(field, 'has a value that this version does not know');
}
