import type { StatusPolicy, StatusRange } from '@postrider/contract/postrider/v1/endpoint';
import type { FieldViolation } from './errors.ts';
import { limits } from './limits.ts';

const FIRST = 100;
const LAST = 599;
const GONE = 410;

/** Whether policy counts a status as a success; 200–299 where policy says nothing. */
export function isSuccessStatus(policy: StatusPolicy | undefined, status: number): boolean {
  if (policy === undefined || policy.success.length === 0) return status >= 200 && status <= 299;
  return covers(policy.success, status);
}

/** Whether policy gives a delivery up after this status, without a further attempt. */
export function isFinalStatus(policy: StatusPolicy | undefined, status: number): boolean {
  return policy !== undefined && covers(policy.final, status);
}

/**
 * What is wrong with a status policy, all of it.
 * @param field path of the policy in the request, for example `endpoint.status_policy`
 */
export function validateStatusPolicy(policy: StatusPolicy | undefined, field = 'status_policy'): FieldViolation[] {
  if (policy === undefined) return [];
  const violations = [
    ...validateRanges(policy.success, `${field}.success`),
    ...validateRanges(policy.final, `${field}.final`),
  ];
  if (covers(policy.success, GONE)) {
    const description = 'must not cover 410, which always means that the endpoint is gone';
    violations.push({ field: `${field}.success`, description });
  }
  const both = policy.success.find((range) => policy.final.some((other) => overlap(range, other)));
  if (both !== undefined) {
    const description = `shares statuses with success (${both.first}–${lastOf(both)}); a status is one or the other`;
    violations.push({ field: `${field}.final`, description });
  }
  return violations;
}

function validateRanges(ranges: readonly StatusRange[], field: string): FieldViolation[] {
  if (ranges.length > limits.statusRangesMax) {
    return [{ field, description: `has ${ranges.length} ranges; at most ${limits.statusRangesMax} are allowed` }];
  }
  return ranges.flatMap((range, index) => {
    const inBounds = range.first >= FIRST && lastOf(range) <= LAST && range.first <= lastOf(range);
    if (inBounds) return [];
    return [{ field: `${field}[${index}]`, description: `must lie within ${FIRST}–${LAST}, first before last` }];
  });
}

function covers(ranges: readonly StatusRange[], status: number): boolean {
  return ranges.some((range) => status >= range.first && status <= lastOf(range));
}

function overlap(a: StatusRange, b: StatusRange): boolean {
  return a.first <= lastOf(b) && b.first <= lastOf(a);
}

function lastOf(range: StatusRange): number {
  return range.last === 0 ? range.first : range.last;
}
