import { limits } from '@postrider/core';
import { serverLimits } from './server-limits.ts';
import { checkKnown, checkLabels, createViolations, NOT_SUPPORTED } from './validate-common.ts';
import type { Subscription } from '@postrider/contract/postrider/v1/subscription';
import type { FieldViolation } from '@postrider/core';

/** Everything that is wrong with a subscription as a client wants it. */
export function validateSubscription(subscription: Subscription): readonly FieldViolation[] {
  const violations = createViolations();
  const { eventTypes, filter, state, labels } = subscription;
  const field = 'subscription.event_types';
  if (eventTypes.length === 0 || eventTypes.length > serverLimits.eventTypesMax) {
    violations.add(field, `must have 1–${serverLimits.eventTypesMax} event types, not ${eventTypes.length}`);
  }
  const seen = new Set<string>();
  for (const [index, pattern] of eventTypes.entries()) {
    const problem = seen.has(pattern) ? 'stands there twice' : patternProblem(pattern);
    if (problem !== null) violations.add(`${field}[${index}]`, problem);
    seen.add(pattern);
  }
  if (filter !== undefined) violations.add('subscription.filter', NOT_SUPPORTED);
  checkKnown(violations, 'subscription.state', state);
  checkLabels(violations, 'subscription.labels', labels);
  return violations.list;
}

function patternProblem(pattern: string): string | null {
  if (pattern === '') return 'must not be empty';
  if (Buffer.byteLength(pattern) > limits.eventTypeBytesMax) {
    return `must have at most ${limits.eventTypeBytesMax} bytes`;
  }
  if (!/^[\x21-\x7e]+$/.test(pattern)) return 'must hold printable ASCII characters only, without spaces';
  const stem = pattern === '*' ? '' : pattern.endsWith('.*') ? pattern.slice(0, -2) : pattern;
  if (stem.includes('*')) return 'may have * only alone, or at the end after a dot (invoice.*)';
  return pattern === '.*' ? 'must have something before .*' : null;
}
