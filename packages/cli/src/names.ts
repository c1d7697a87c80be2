import { CliError, exitCodes } from './cli-error.ts';

/** `acme` or `tenants/acme` → `tenants/acme`. */
export function tenantName(text: string): string {
  return text.startsWith('tenants/') ? text : `tenants/${text}`;
}

/** `partners` or `egressPools/partners` → `egressPools/partners`; empty, which is the default pool, stays empty. */
export function egressPoolName(text: string): string {
  return text === '' || text.startsWith('egressPools/') ? text : `egressPools/${text}`;
}

/** `acme/orders` or the whole name → `tenants/acme/endpoints/orders`. */
export function endpointName(text: string): string {
  return nested(text, ['tenants', 'endpoints'], 'tenant/endpoint');
}

/** `acme/orders/all` or the whole name → `tenants/acme/endpoints/orders/subscriptions/all`. */
export function subscriptionName(text: string): string {
  return nested(text, ['tenants', 'endpoints', 'subscriptions'], 'tenant/endpoint/subscription');
}

/** `acme/orders/sec_…` or the whole name → `tenants/acme/endpoints/orders/secrets/sec_…`. */
export function secretName(text: string): string {
  return nested(text, ['tenants', 'endpoints', 'secrets'], 'tenant/endpoint/secret');
}

/** `acme/orders` and a delivery's id → `tenants/acme/endpoints/orders/deliveries/dlv_…`. */
export function deliveryName(endpoint: string, id: string): string {
  return `${endpointName(endpoint)}/deliveries/${id}`;
}

/** A process's id or the whole name → `dispatchers/…`. */
export function dispatcherName(text: string): string {
  return text.startsWith('dispatchers/') ? text : `dispatchers/${text}`;
}

/** An id or the whole name → `apiKeys/…`. */
export function apiKeyName(text: string): string {
  return text.startsWith('apiKeys/') ? text : `apiKeys/${text}`;
}

/** A type or the whole name → `eventTypes/…`. */
export function eventTypeName(text: string): string {
  return text.startsWith('eventTypes/') ? text : `eventTypes/${text}`;
}

/** A number or the whole name → `auditEntries/…`. */
export function auditEntryName(text: string): string {
  return text.startsWith('auditEntries/') ? text : `auditEntries/${text}`;
}

/** An id or the whole name → `operations/…`. */
export function operationName(text: string): string {
  return text.startsWith('operations/') ? text : `operations/${text}`;
}

/** An id or the whole name → `roleBindings/…`. */
export function roleBindingName(text: string): string {
  return text.startsWith('roleBindings/') ? text : `roleBindings/${text}`;
}

function nested(text: string, collections: readonly string[], short: string): string {
  const parts = text.split('/');
  const whole = parts.length === collections.length * 2 && collections.every((name, i) => parts[i * 2] === name);
  if (whole) return text;
  if (parts.length !== collections.length || parts.includes(''))
    throw new CliError(exitCodes.usage, `"${text}" is no name; write ${short}, or the whole resource name.`);
  return collections.map((name, i) => `${name}/${parts[i]}`).join('/');
}

/** The short form of a resource name: `tenants/acme/endpoints/orders` → `acme/orders`. */
export function shortName(name: string): string {
  return name
    .split('/')
    .filter((_, i) => i % 2 === 1)
    .join('/');
}
