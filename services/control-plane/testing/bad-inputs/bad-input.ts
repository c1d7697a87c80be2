import type { JsonObject } from '@bufbuild/protobuf';
import type { MethodName } from '@postrider/core';

/** One request that must be refused, and how. */
export interface BadInput {
  readonly what: string;
  readonly method: MethodName;
  /** The request's JSON form, or its bytes. */
  readonly request: JsonObject | Buffer;
  /** Default: INVALID_ARGUMENT. */
  readonly code?: string;
  /** The fields that the violations name. */
  readonly fields?: readonly string[];
  /** The reason of the first violation. */
  readonly reason?: string;
}

/** What the plane holds that bad inputs are tried on. */
export const TENANT = 'tenants/acme';
export const ENDPOINT = 'tenants/acme/endpoints/one';
export const SUBSCRIPTION = `${ENDPOINT}/subscriptions/one`;
export const URL_THAT_MAY = 'https://hooks.acme.dev/in';

/** An endpoint that is to be made with these fields. */
export function endpointWith(what: string, fields: JsonObject, field: string, reason?: string): BadInput {
  return {
    ...{ what, method: 'CreateEndpoint' as const, fields: [field], ...(reason === undefined ? {} : { reason }) },
    request: { parent: TENANT, endpoint: { url: URL_THAT_MAY, ...fields } },
  };
}

/** A subscription that is to be made with these fields. */
export function subscriptionWith(what: string, fields: JsonObject, field: string): BadInput {
  const request = { parent: ENDPOINT, subscription: { event_types: ['*'], ...fields } };
  return { what, method: 'CreateSubscription', request, fields: [field] };
}

/** A text for a test's name: control characters are spelled out, and nothing is longer than a line. */
export function shown(text: string): string {
  const spelled = JSON.stringify(text);
  return spelled.length <= 60 ? spelled : `${spelled.slice(0, 50)}… (${text.length} characters)`;
}
