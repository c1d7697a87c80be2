import { configKey } from '@postrider/config-view';
import { EventType, EventTypeState } from '@postrider/contract/postrider/v1/event_type';
import { limits, PostriderError } from '@postrider/core';
import { checkEtag, etagOf } from '../etag.ts';
import { applyMask } from '../field-mask.ts';
import { eventTypeFields } from '../lists/filter-fields.ts';
import { readListQuery } from '../lists/list-query.ts';
import { isSame, sizeOf } from '../messages.ts';
import { parseFlatName } from '../names.ts';
import { alreadyExists, found, rejectUnreadable, rejectViolations, required } from '../reject.ts';
import { checkRequestId, createViolations } from '../validate-common.ts';
import { eventTypeIdProblem, validateEventType } from './validate-event-type.ts';
import type { EventTypeConfig } from '@postrider/contract/postrider/v1/config';
import type {
  ArchiveEventTypeRequest,
  CreateEventTypeRequest,
  DeleteEventTypeRequest,
  GetEventTypeRequest,
  ListEventTypesRequest,
  ListEventTypesResponse,
  UnarchiveEventTypeRequest,
  UpdateEventTypeRequest,
} from '@postrider/contract/postrider/v1/event_type_service';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { Method, ServiceContext } from '../call.ts';
import type { Change } from '../config-writer.ts';
import type { MaskRules } from '../field-mask.ts';

const COLLECTION = 'eventTypes';

const byArchiving = { kind: 'immutable', why: 'is changed by ArchiveEventType and UnarchiveEventType' } as const;
const maskRules: MaskRules<EventType> = {
  name: { kind: 'immutable', why: 'cannot be changed' },
  description: { kind: 'changeable', property: 'description' },
  schema: { kind: 'changeable', property: 'schema' },
  examples: { kind: 'changeable', property: 'examples' },
  state: byArchiving,
  labels: { kind: 'changeable', property: 'labels' },
  archive_time: { kind: 'output-only' },
  create_time: { kind: 'output-only' },
  update_time: { kind: 'output-only' },
  etag: { kind: 'immutable', why: 'guards the change and is not changed by it' },
  revision: { kind: 'output-only' },
};

/** An event type as clients see it. */
function shown({ eventType }: EventTypeConfig): EventType {
  const resource = eventType ?? EventType.fromPartial({});
  return { ...resource, etag: etagOf(resource) };
}

export function createEventType({ writer }: ServiceContext): Method<CreateEventTypeRequest, EventType> {
  return ({ eventTypeId, eventType, requestId }, caller) => {
    const wanted = eventType ?? EventType.fromPartial({});
    const violations = createViolations();
    const idProblem = eventTypeIdProblem(eventTypeId);
    if (idProblem !== null) violations.add('event_type_id', idProblem);
    checkRequestId(violations, requestId);
    violations.addAll(validateEventType(wanted));
    rejectViolations(violations.list);
    const name = `${COLLECTION}/${eventTypeId}`;
    return writer.change(caller.actor, ({ snapshot, now, put }) => {
      const existing = snapshot.eventType(eventTypeId);
      if (existing !== undefined)
        return requestId !== '' && existing.createRequestId === requestId ? shown(existing) : alreadyExists(name);
      rejectUnreadable(snapshot, 'event-type', eventTypeId, name);
      checkRoom(snapshot, eventTypeId, wanted);
      const { description, schema, examples, labels } = wanted;
      const chosen = EventType.fromPartial({ name, description, schema, examples, labels });
      const times = { createTime: now, updateTime: now };
      const { value } = put(configKey('event-type', eventTypeId), (revision) => ({
        $case: 'eventType',
        value: {
          eventType: { ...chosen, ...times, state: EventTypeState.ACTIVE, revision },
          createRequestId: requestId,
        },
      }));
      return shown(value);
    });
  };
}

/** Every process keeps all of them in memory. Throws `limit_reached`. */
function checkRoom(snapshot: ConfigSnapshot, id: string, wanted: EventType): void {
  let count = 1;
  let bytes = bytesOf(wanted);
  for (const { eventType } of snapshot.eventTypes()) {
    if (eventType === undefined || eventType.name === `${COLLECTION}/${id}`) continue;
    count += 1;
    bytes += bytesOf(eventType);
  }
  const { eventTypesMax, eventTypesBytesMax } = limits;
  if (count > eventTypesMax)
    throw new PostriderError('limit_reached', `there are ${eventTypesMax} event types already; delete archived ones`);
  if (bytes > eventTypesBytesMax)
    throw new PostriderError('limit_reached', `schemas and examples would take more than ${eventTypesBytesMax} bytes`);
}

function bytesOf({ schema, examples }: EventType): number {
  return Buffer.byteLength(schema) + examples.reduce((sum, example) => sum + Buffer.byteLength(example), 0);
}

export function getEventType({ view }: ServiceContext): Method<GetEventTypeRequest, EventType> {
  return ({ name }) => shown(found(view.snapshot().eventType(parseFlatName(name, COLLECTION, 'name')), name));
}

export function listEventTypes({
  view,
  paging,
}: ServiceContext): Method<ListEventTypesRequest, ListEventTypesResponse> {
  return (request) => {
    const { showArchived, typePrefix } = request;
    const violations = createViolations();
    if (Buffer.byteLength(typePrefix) > limits.eventTypeBytesMax)
      violations.add('type_prefix', `must have at most ${limits.eventTypeBytesMax} bytes`);
    rejectViolations(violations.list);
    const snapshot = view.snapshot();
    const begin = `${COLLECTION}/${typePrefix}`;
    const { isWanted, ...query } = readListQuery(request, eventTypeFields);
    const all = () =>
      Array.from(snapshot.eventTypes()).flatMap(({ eventType }) => {
        const isListed = eventType?.name.startsWith(begin) === true;
        return isListed && (showArchived || eventType.state !== EventTypeState.ARCHIVED) ? [eventType] : [];
      });
    const { items, nextPageToken } = paging.page(
      {
        method: 'ListEventTypes',
        parent: `${showArchived} ${typePrefix}`,
        snapshot,
        ...query,
        names: () => all().map(({ name }) => name),
        createTimes: () => all().map(({ name, createTime }) => [name, createTime] as const),
        resource: (name) => {
          const config = snapshot.eventType(parseFlatName(name, COLLECTION, 'name'));
          return config?.eventType === undefined || !isWanted(config.eventType) ? undefined : shown(config);
        },
        bytes: (eventType) => sizeOf(EventType, eventType),
      },
      request,
    );
    return { eventTypes: [...items], nextPageToken };
  };
}

export function updateEventType({ writer }: ServiceContext): Method<UpdateEventTypeRequest, EventType> {
  return ({ eventType, updateMask }, caller) => {
    const given = required(eventType, 'event_type');
    const id = parseFlatName(given.name, COLLECTION, 'event_type.name');
    return writer.change(caller.actor, (change) => {
      const { config, before } = current(change.snapshot, id, given.name);
      checkEtag(given.etag, before);
      const masked = applyMask(maskRules, before, given, updateMask);
      if ('violations' in masked) rejectViolations(masked.violations);
      const next = 'next' in masked ? masked.next : before;
      if (isSame(EventType, before, next)) return shown(config);
      rejectViolations(validateEventType(next));
      checkRoom(change.snapshot, id, next);
      return putChanged(change, config, next);
    });
  };
}

export function deleteEventType({ writer }: ServiceContext): Method<DeleteEventTypeRequest, Record<string, never>> {
  return ({ name, etag }, caller) => {
    const id = parseFlatName(name, COLLECTION, 'name');
    return writer.change(caller.actor, ({ snapshot, remove }) => {
      checkEtag(etag, current(snapshot, id, name).before);
      remove(configKey('event-type', id));
      return {};
    });
  };
}

export function archiveEventType(context: ServiceContext): Method<ArchiveEventTypeRequest, EventType> {
  return moveTo(context, EventTypeState.ARCHIVED);
}

export function unarchiveEventType(context: ServiceContext): Method<UnarchiveEventTypeRequest, EventType> {
  return moveTo(context, EventTypeState.ACTIVE);
}

function moveTo({ writer }: ServiceContext, state: EventTypeState): Method<ArchiveEventTypeRequest, EventType> {
  return ({ name, etag }, caller) => {
    const id = parseFlatName(name, COLLECTION, 'name');
    return writer.change(caller.actor, (change) => {
      const { config, before } = current(change.snapshot, id, name);
      checkEtag(etag, before);
      if (before.state === state) return shown(config);
      const archiveTime = state === EventTypeState.ARCHIVED ? change.now : undefined;
      return putChanged(change, config, { ...before, state, archiveTime });
    });
  };
}

function putChanged({ put, now }: Change, config: EventTypeConfig, next: EventType): EventType {
  const id = next.name.slice(`${COLLECTION}/`.length);
  const { value } = put(configKey('event-type', id), (revision) => ({
    $case: 'eventType',
    value: { ...config, eventType: { ...next, updateTime: now, revision } },
  }));
  return shown(value);
}

function current(
  snapshot: ConfigSnapshot,
  id: string,
  name: string,
): { readonly config: EventTypeConfig; readonly before: EventType } {
  rejectUnreadable(snapshot, 'event-type', id, name);
  const config = found(snapshot.eventType(id), name);
  return { config, before: found(config.eventType, name) };
}
