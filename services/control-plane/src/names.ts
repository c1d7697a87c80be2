import { isTenantId, PostriderError } from '@postrider/core';

/** The ids in a resource name. */
export interface EndpointName {
  readonly tenant: string;
  readonly endpoint: string;
}

/** The ids in a subscription's name. */
export interface SubscriptionName extends EndpointName {
  readonly subscription: string;
}

/** In place of an id: all of them. */
export const ANY = '-';

const resourceForm = /^[a-z][a-z0-9_-]{0,62}$/;

/** What is wrong with an id that a client chose for a tenant; null when nothing is. */
export function tenantIdProblem(id: string): string | null {
  if (isTenantId(id)) return null;
  return 'must be 1–63 characters of a–z, 0–9 and -, beginning with a letter and not ending with -';
}

/** What is wrong with an id that a client chose for an endpoint or subscription; null when nothing is. */
export function resourceIdProblem(id: string): string | null {
  if (resourceForm.test(id)) return null;
  return 'must be 1–63 characters of a–z, 0–9, - and _, beginning with a letter';
}

/**
 * The tenant's id of `tenants/{tenant}`.
 * @param field the request's field, for the error
 * @throws PostriderError `invalid_argument`
 */
export function parseTenantName(name: string, field: string): string {
  const [id = ''] = parts(name, ['tenants'], field);
  return id;
}

/** The ids of `tenants/{tenant}/endpoints/{endpoint}`; throws as `parseTenantName`. */
export function parseEndpointName(name: string, field: string): EndpointName {
  const [tenant = '', endpoint = ''] = parts(name, ['tenants', 'endpoints'], field);
  return { tenant, endpoint };
}

/** The ids of `tenants/{tenant}/endpoints/{endpoint}/subscriptions/{subscription}`; throws as `parseTenantName`. */
export function parseSubscriptionName(name: string, field: string): SubscriptionName {
  const collections = ['tenants', 'endpoints', 'subscriptions'];
  const [tenant = '', endpoint = '', subscription = ''] = parts(name, collections, field);
  return { tenant, endpoint, subscription };
}

/** The ids of `tenants/{tenant}/endpoints/{endpoint}/secrets/{secret}`; throws as `parseTenantName`. */
export function parseSecretName(name: string, field: string): EndpointName & { readonly secret: string } {
  const [tenant = '', endpoint = '', secret = ''] = parts(name, ['tenants', 'endpoints', 'secrets'], field);
  return { tenant, endpoint, secret };
}

/** The ids of `tenants/{tenant}/endpoints/{endpoint}/deliveries/{delivery}`; throws as `parseTenantName`. */
export function parseDeliveryName(name: string, field: string): EndpointName & { readonly delivery: string } {
  const [tenant = '', endpoint = '', delivery = ''] = parts(name, ['tenants', 'endpoints', 'deliveries'], field);
  return { tenant, endpoint, delivery };
}

/** The process's id of `dispatchers/{dispatcher}`; throws as `parseTenantName`. */
export function parseDispatcherName(name: string, field: string): string {
  return parseFlatName(name, 'dispatchers', field);
}

/** The pool and the record's id of `egressPools/{pool}/addresses/{address}`; throws as `parseTenantName`. */
export function parseEgressAddressName(name: string, field: string): { readonly pool: string; readonly id: string } {
  const [pool = '', address = ''] = parts(name, ['egressPools', 'addresses'], field);
  return { pool, id: `${pool}/${address}` };
}

/** The id of `<collection>/{id}`, of what is below no tenant; throws as `parseTenantName`. */
export function parseFlatName(name: string, collection: string, field: string): string {
  const [id = ''] = parts(name, [collection], field);
  return id;
}

export function tenantName(tenant: string): string {
  return `tenants/${tenant}`;
}

export function endpointName({ tenant, endpoint }: EndpointName): string {
  return `tenants/${tenant}/endpoints/${endpoint}`;
}

export function subscriptionName(name: SubscriptionName): string {
  return `${endpointName(name)}/subscriptions/${name.subscription}`;
}

function parts(name: string, collections: readonly string[], field: string): string[] {
  const given = name.split('/');
  const fits =
    given.length === collections.length * 2 &&
    given.every((part, at) => (at % 2 === 0 ? part === collections[at / 2] : part !== ''));
  if (fits) return given.filter((_, at) => at % 2 === 1);
  const form = collections
    .map(
      (collection) =>
        `${collection}/{${collection.replace(/(?:sse|ie|)s$/, (end) => ({ sses: 'ss', ies: 'y' })[end] ?? '')}}`,
    )
    .join('/');
  const description = `must have the form ${form}`;
  throw new PostriderError('invalid_argument', `${field}: ${description}`, { violations: [{ field, description }] });
}
