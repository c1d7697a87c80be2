import { EventTypeState } from '@postrider/contract/postrider/v1/event_type';
import { EventValidation } from '@postrider/contract/postrider/v1/event_service';
import { readEventSchema } from '../event-types/event-schema.ts';
import type { EventTypeConfig } from '@postrider/contract/postrider/v1/config';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { DecodedEvent, FieldViolation } from '@postrider/core';
import type { ReadSchema } from '../event-types/event-schema.ts';

/** Holds an event against what is described: null when it fits, or is not asked to. */
export type CheckDescribed = (
  event: DecodedEvent & { readonly kind: 'event' },
  validation: EventValidation,
  snapshot: Pick<ConfigSnapshot, 'eventType'>,
) => FieldViolation | null;

/** A schema is read once, when the first event is held against it. */
export function createCheckDescribed(): CheckDescribed {
  const schemas = new WeakMap<EventTypeConfig, ReadSchema>();

  function schemaOf(described: EventTypeConfig, text: string): ReadSchema {
    const read = schemas.get(described) ?? readEventSchema(text, 'type');
    schemas.set(described, read);
    return read;
  }

  return (event, validation, snapshot) => {
    if (validation === EventValidation.NONE || validation === EventValidation.UNSPECIFIED) return null;
    const { type } = event.attributes;
    const described = snapshot.eventType(type);
    const { state, schema = '' } = described?.eventType ?? {};
    if (validation !== EventValidation.SCHEMA) {
      if (described === undefined) return violation('type', `there is no event type ${type}`, 'event_type_unknown');
      if (state === EventTypeState.ARCHIVED) return violation('type', `${type} is archived`, 'event_type_archived');
    }
    if (described === undefined || schema === '') return null;
    const read = schemaOf(described, schema);
    if ('violations' in read) return violation('type', `the schema of ${type} cannot be used by this version`);
    const data = event.data();
    if (data === undefined) return violation('data', `must be JSON: ${type} has a schema`);
    const problem = read.fits(data);
    return problem === null ? null : violation('data', problem, 'schema');
  };
}

function violation(field: string, description: string, reason?: string): FieldViolation {
  return { field, description, ...(reason === undefined ? {} : { reason }) };
}
