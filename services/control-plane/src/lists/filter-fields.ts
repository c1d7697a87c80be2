import { DisableReason, EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { EventTypeState } from '@postrider/contract/postrider/v1/event_type';
import { SubscriptionState } from '@postrider/contract/postrider/v1/subscription';
import type { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import type { EventType } from '@postrider/contract/postrider/v1/event_type';
import type { Subscription } from '@postrider/contract/postrider/v1/subscription';
import type { Tenant } from '@postrider/contract/postrider/v1/tenant';
import type { FilterField, FilterFields } from '@postrider/core';

interface Labelled {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createTime?: Date | undefined;
  readonly updateTime?: Date | undefined;
}

/** What every resource has that lists are filtered by. */
function common<T extends Labelled>(): FilterFields<T> {
  return {
    name: { kind: 'text', of: ({ name }) => name },
    labels: { kind: 'map', of: ({ labels }) => labels },
    create_time: { kind: 'time', of: ({ createTime }) => createTime },
    update_time: { kind: 'time', of: ({ updateTime }) => updateTime },
  };
}

function ofEnum<T>(values: Readonly<Record<string, string>>, prefix: string, of: (item: T) => string): FilterField<T> {
  return { kind: 'enum', of, prefix, values: Object.values(values).filter((value) => value.startsWith(prefix)) };
}

/** What endpoints are filtered by; never what may hold a secret. */
export const endpointFields: FilterFields<Endpoint> = {
  ...common<Endpoint>(),
  uid: { kind: 'text', of: ({ uid }) => uid },
  display_name: { kind: 'text', of: ({ displayName }) => displayName },
  url: { kind: 'text', of: ({ url }) => url },
  state: ofEnum(EndpointState, 'ENDPOINT_STATE_', ({ state }) => state),
  disable_reason: ofEnum(DisableReason, 'DISABLE_REASON_', ({ disableReason }) => disableReason),
  egress_pool: { kind: 'text', of: ({ egressPool }) => egressPool },
  profile: { kind: 'text', of: ({ profile }) => profile },
  disable_time: { kind: 'time', of: ({ disableTime }) => disableTime },
  failing_since: { kind: 'time', of: ({ failingSince }) => failingSince },
  held_by_installation: { kind: 'flag', of: ({ heldByInstallation }) => heldByInstallation },
};

/** What subscriptions are filtered by. */
export const subscriptionFields: FilterFields<Subscription> = {
  ...common<Subscription>(),
  uid: { kind: 'text', of: ({ uid }) => uid },
  endpoint_uid: { kind: 'text', of: ({ endpointUid }) => endpointUid },
  event_types: { kind: 'texts', of: ({ eventTypes }) => eventTypes },
  state: ofEnum(SubscriptionState, 'SUBSCRIPTION_STATE_', ({ state }) => state),
};

/** What tenants are filtered by. */
export const tenantFields: FilterFields<Tenant> = {
  ...common<Tenant>(),
  display_name: { kind: 'text', of: ({ displayName }) => displayName },
};

/** What event types are filtered by. */
export const eventTypeFields: FilterFields<EventType> = {
  ...common<EventType>(),
  description: { kind: 'text', of: ({ description }) => description },
  state: ofEnum(EventTypeState, 'EVENT_TYPE_STATE_', ({ state }) => state),
  archive_time: { kind: 'time', of: ({ archiveTime }) => archiveTime },
};
