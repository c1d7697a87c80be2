import { parseTypePattern } from '@postrider/core';
import { serverLimits } from './server-limits.ts';
import { checkKnown, checkLabels, createViolations, NOT_SUPPORTED } from './validate-common.ts';
import type { Subscription } from '@postrider/contract/postrider/v1/subscription';
import type { FieldViolation } from '@postrider/core';
import type { Violations } from './validate-common.ts';

/** Everything that is wrong with a subscription as a client wants it. */
export function validateSubscription(subscription: Subscription): readonly FieldViolation[] {
  const violations = createViolations();
  const { eventTypes, filter, state, labels } = subscription;
  checkTypePatterns(violations, 'subscription.event_types', eventTypes);
  if (filter !== undefined) violations.add('subscription.filter', NOT_SUPPORTED);
  checkKnown(violations, 'subscription.state', state);
  checkLabels(violations, 'subscription.labels', labels);
  return violations.list;
}

/** At least one pattern of event types, not too many, each once. */
export function checkTypePatterns(violations: Violations, field: string, eventTypes: readonly string[]): void {
  if (eventTypes.length === 0 || eventTypes.length > serverLimits.eventTypesMax) {
    return violations.add(field, `must have 1–${serverLimits.eventTypesMax} event types, not ${eventTypes.length}`);
  }
  const seen = new Set<string>();
  for (const [index, pattern] of eventTypes.entries()) {
    const problem = seen.has(pattern) ? 'it stands there twice' : patternProblem(pattern);
    if (problem !== null) violations.add(`${field}[${index}]`, problem);
    seen.add(pattern);
  }
}

/** What matching cannot read is refused, and beyond that what a person could not tell apart. */
function patternProblem(text: string): string | null {
  const pattern = parseTypePattern(text);
  if (typeof pattern === 'string') return pattern;
  return /^[\x21-\x7e]+$/.test(text) ? null : 'it holds other than printable ASCII characters, or a space';
}
