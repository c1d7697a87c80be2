import { EventTypeState } from '@postrider/contract/postrider/v1/event_type';
import { parseTypePattern } from '@postrider/core';
import { rejectViolations } from '../reject.ts';
import { createViolations } from '../validate-common.ts';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { ServiceContext } from '../call.ts';

/**
 * What a subscription may come to name: no archived type and, where the installation asks for it, none that is not described.
 * Patterns are free, and so is what it named before.
 * @throws PostriderError `invalid_argument`
 */
export function checkNamedTypes(
  { eventTypesRequired }: Pick<ServiceContext, 'eventTypesRequired'>,
  snapshot: ConfigSnapshot,
  eventTypes: readonly string[],
  before: readonly string[],
): void {
  const violations = createViolations();
  for (const [index, text] of eventTypes.entries()) {
    const pattern = parseTypePattern(text);
    if (before.includes(text) || typeof pattern === 'string' || pattern.kind !== 'exact') continue;
    const field = `subscription.event_types[${index}]`;
    const described = snapshot.eventType(pattern.type)?.eventType;
    if (described?.state === EventTypeState.ARCHIVED)
      violations.add(field, `${text} is archived: no new subscription may name it`, 'event_type_archived');
    else if (described === undefined && eventTypesRequired)
      violations.add(
        field,
        `there is no event type ${text}; ListEventTypes tells which there are`,
        'event_type_unknown',
      );
  }
  rejectViolations(violations.list);
}
