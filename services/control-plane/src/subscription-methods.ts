import { configKey } from '@postrider/config-view';
import { Subscription, SubscriptionState } from '@postrider/contract/postrider/v1/subscription';
import { derivedUid, newUid } from '@postrider/core';
import { checkSameRequest, createdBy } from './create-request.ts';
import { currentEndpoint } from './endpoint-methods.ts';
import { checkEtag, etagOf } from './etag.ts';
import { checkNamedTypes } from './event-types/named-types.ts';
import { applyMask } from './field-mask.ts';
import { subscriptionFields } from './lists/filter-fields.ts';
import { readListQuery } from './lists/list-query.ts';
import { isSame, sizeOf } from './messages.ts';
import {
  ANY,
  parseEndpointName,
  parseSubscriptionName,
  resourceIdProblem,
  subscriptionName,
  tenantName,
} from './names.ts';
import { checkQuota } from './quotas.ts';
import { alreadyExists, found, rejectUnreadable, rejectViolations, required } from './reject.ts';
import { checkRequestId, createViolations } from './validate-common.ts';
import { checkTypePatterns, validateSubscription } from './validate-subscription.ts';
import type {
  AddEventTypesRequest,
  CreateSubscriptionRequest,
  DeleteSubscriptionRequest,
  GetSubscriptionRequest,
  ListSubscriptionsRequest,
  ListSubscriptionsResponse,
  RemoveEventTypesRequest,
  UpdateSubscriptionRequest,
} from '@postrider/contract/postrider/v1/subscription_service';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { Method, ServiceContext } from './call.ts';
import type { Change } from './config-writer.ts';
import type { MaskRules } from './field-mask.ts';

const maskRules: MaskRules<Subscription> = {
  name: { kind: 'immutable', why: 'cannot be changed' },
  uid: { kind: 'output-only' },
  event_types: { kind: 'changeable', property: 'eventTypes' },
  filter: { kind: 'changeable', property: 'filter' },
  state: { kind: 'changeable', property: 'state', unset: SubscriptionState.UNSPECIFIED },
  endpoint_uid: { kind: 'output-only' },
  create_time: { kind: 'output-only' },
  update_time: { kind: 'output-only' },
  etag: { kind: 'immutable', why: 'guards the change and is not changed by it' },
  revision: { kind: 'output-only' },
  labels: { kind: 'changeable', property: 'labels' },
};

function shown(subscription: Subscription): Subscription {
  return { ...subscription, etag: etagOf(subscription) };
}

export function createSubscription(context: ServiceContext): Method<CreateSubscriptionRequest, Subscription> {
  const { writer, random } = context;
  return ({ parent, subscriptionId, subscription, requestId }, caller) => {
    const place = parseEndpointName(parent, 'parent');
    const wanted = required(subscription, 'subscription');
    const violations = createViolations();
    const idProblem = subscriptionId === '' ? null : resourceIdProblem(subscriptionId);
    if (idProblem !== null) violations.add('subscription_id', idProblem);
    checkRequestId(violations, requestId);
    violations.addAll(validateSubscription(wanted));
    rejectViolations(violations.list);
    return writer.change(caller.actor, ({ snapshot, now, knowsDeleted, put }) => {
      const { endpoint } = currentEndpoint(snapshot, parent);
      const uid = requestId === '' ? newUid('sub', random) : derivedUid('sub', [endpoint.uid, requestId]);
      const repeated = createdBy(requestId, snapshot.subscription(uid), knowsDeleted('subscription', uid));
      if (repeated !== null) {
        checkSameRequest([[subscriptionId, repeated.name.split('/').at(-1) ?? '']]);
        return shown(repeated);
      }
      rejectUnreadable(snapshot, 'subscription', uid, parent);
      const name = subscriptionName({ ...place, subscription: subscriptionId === '' ? uid : subscriptionId });
      if (snapshot.subscriptionByName(name) !== undefined) alreadyExists(name);
      checkQuota(snapshot.tenant(place.tenant)?.tenant, 'subscriptionsMax', snapshot.subscriptionCount(place.tenant));
      checkNamedTypes(context, snapshot, wanted.eventTypes, []);
      const { eventTypes, labels } = wanted;
      const state = activeUnlessSet(wanted.state);
      const times = { createTime: now, updateTime: now };
      const { value } = put(configKey('subscription', uid), (revision) => ({
        $case: 'subscription',
        value: Subscription.fromPartial({
          name,
          uid,
          eventTypes,
          state,
          endpointUid: endpoint.uid,
          ...times,
          revision,
          labels,
        }),
      }));
      return shown(value);
    });
  };
}

function activeUnlessSet(state: SubscriptionState): SubscriptionState {
  return state === SubscriptionState.UNSPECIFIED ? SubscriptionState.ACTIVE : state;
}

export function getSubscription({ view }: ServiceContext): Method<GetSubscriptionRequest, Subscription> {
  return ({ name }) => {
    parseSubscriptionName(name, 'name');
    return shown(found(view.snapshot().subscriptionByName(name), name));
  };
}

export function listSubscriptions(
  context: ServiceContext,
): Method<ListSubscriptionsRequest, ListSubscriptionsResponse> {
  const { view, paging } = context;
  return (request) => {
    const { parent } = request;
    const snapshot = view.snapshot();
    const uids = endpointsOf(snapshot, parent);
    const { isWanted, ...query } = readListQuery(request, subscriptionFields);
    const all = () => uids.flatMap((uid) => snapshot.subscriptionsOf(uid));
    const { items, nextPageToken } = paging.page(
      {
        method: 'ListSubscriptions',
        parent,
        snapshot,
        ...query,
        names: () => all().map(({ name }) => name),
        createTimes: () => all().map(({ name, createTime }) => [name, createTime] as const),
        resource: (name) => {
          const subscription = snapshot.subscriptionByName(name);
          return subscription === undefined || !isWanted(subscription) ? undefined : shown(subscription);
        },
        bytes: (subscription) => sizeOf(Subscription, subscription),
      },
      request,
    );
    return { subscriptions: [...items], nextPageToken };
  };
}

/** The endpoints that a parent stands for; throws `not_found` when there is no such tenant or endpoint. */
function endpointsOf(snapshot: ConfigSnapshot, parent: string): readonly string[] {
  const { tenant, endpoint } = parseEndpointName(parent, 'parent');
  if (endpoint !== ANY) return [currentEndpoint(snapshot, parent).endpoint.uid];
  found(snapshot.tenant(tenant), tenantName(tenant));
  return snapshot.endpointIdsOf(tenant).map(({ uid }) => uid);
}

export function updateSubscription(context: ServiceContext): Method<UpdateSubscriptionRequest, Subscription> {
  return ({ subscription: wanted, updateMask }, caller) => {
    const given = required(wanted, 'subscription');
    parseSubscriptionName(given.name, 'subscription.name');
    return context.writer.change(caller.actor, (change) => {
      const subscription = current(change.snapshot, given.name);
      checkEtag(given.etag, subscription);
      const masked = applyMask(maskRules, subscription, given, updateMask);
      if ('violations' in masked) rejectViolations(masked.violations);
      const asked = 'next' in masked ? masked.next : subscription;
      return putChanged(context, change, subscription, { ...asked, state: activeUnlessSet(asked.state) });
    });
  };
}

/** Writes the next state of a subscription unless it is the present one; throws `invalid_argument`. */
function putChanged(context: ServiceContext, change: Change, before: Subscription, next: Subscription): Subscription {
  rejectViolations(validateSubscription(next));
  checkNamedTypes(context, change.snapshot, next.eventTypes, before.eventTypes);
  if (isSame(Subscription, before, next)) return shown(before);
  const { value } = change.put(configKey('subscription', next.uid), (revision) => ({
    $case: 'subscription',
    value: { ...next, updateTime: change.now, revision },
  }));
  return shown(value);
}

export function addEventTypes(context: ServiceContext): Method<AddEventTypesRequest, Subscription> {
  return changeTypes(context, (present, given) => [...new Set([...present, ...given])]);
}

export function removeEventTypes(context: ServiceContext): Method<RemoveEventTypesRequest, Subscription> {
  return changeTypes(context, (present, given) => present.filter((type) => !given.includes(type)));
}

/** What is decided on is the subscription as it is written, so calls that come together do not undo each other. */
function changeTypes(
  context: ServiceContext,
  next: (present: readonly string[], given: readonly string[]) => string[],
): Method<AddEventTypesRequest & RemoveEventTypesRequest, Subscription> {
  return ({ name, eventTypes: given, etag }, caller) => {
    parseSubscriptionName(name, 'name');
    const violations = createViolations();
    checkTypePatterns(violations, 'event_types', given);
    rejectViolations(violations.list);
    return context.writer.change(caller.actor, (change) => {
      const subscription = current(change.snapshot, name);
      checkEtag(etag, subscription);
      const eventTypes = next(subscription.eventTypes, given);
      return putChanged(context, change, subscription, { ...subscription, eventTypes });
    });
  };
}

export function deleteSubscription(context: ServiceContext): Method<DeleteSubscriptionRequest, Record<string, never>> {
  return ({ name, etag }, caller) => {
    parseSubscriptionName(name, 'name');
    return context.writer.change(caller.actor, ({ snapshot, remove }) => {
      const subscription = current(snapshot, name);
      checkEtag(etag, subscription);
      remove(configKey('subscription', subscription.uid));
      return {};
    });
  };
}

function current(snapshot: ConfigSnapshot, name: string): Subscription {
  const subscription = found(snapshot.subscriptionByName(name), name);
  rejectUnreadable(snapshot, 'subscription', subscription.uid, name);
  return subscription;
}
