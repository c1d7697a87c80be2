import { Endpoint, SignatureScheme } from '@postrider/contract/postrider/v1/endpoint';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import type { Behaviour } from './receipt.ts';
import type { Receiver } from './receiver.ts';
import type { Stack } from './stack.ts';

/** An endpoint of a test: how it behaves, and what the rules say becomes of its deliveries. */
export interface CustomerPlan {
  /** Its path at the receiver and its id. */
  readonly path: string;
  readonly behaviour: Omit<Behaviour, 'verifyWith'>;
  readonly endpoint: Parameters<typeof Endpoint.fromPartial>[0];
  readonly eventTypes: readonly string[];
  readonly ending: 'delivered' | 'dead';
  /** Attempts that a dead letter must have used; of no meaning for what is delivered. */
  readonly attempts: number;
}

export interface Customer extends CustomerPlan {
  readonly endpointUid: string;
}

const milliseconds = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1_000)), nanos: (ms % 1_000) * 1_000_000 });
const delays = (...ms: number[]): Parameters<typeof Endpoint.fromPartial>[0] => ({
  retryPolicy: { schedule: { $case: 'delays', value: { delays: ms.map(milliseconds) } } },
});
const ok = { kind: 'answer', status: 200 } as const;

/** Event type that every customer wants but the one who hangs. */
export const plainType = 'order.paid';
/** Event type that all want. */
export const wantedByAllType = 'order.disputed';
const everyType = ['order.*'];
const plan = (path: string, rest: Partial<CustomerPlan> = {}): CustomerPlan => ({
  ...{ path, behaviour: ok, endpoint: {}, eventTypes: everyType, ending: 'delivered', attempts: 1 },
  ...rest,
});

/**
 * Twenty endpoints: most are well, one is slow, one signs with ed25519, one fails the first time, two fail always (three
 * attempts, then dead), one fails always and hangs now and then (one attempt of a second at most, then dead). No breaker opens
 * by what they do, so that the number of attempts is known.
 */
export const twentyCustomers: readonly CustomerPlan[] = [
  ...Array.from({ length: 14 }, (_, index) => plan(`good-${index + 1}`)),
  plan('slow', { behaviour: { ...ok, delayMs: 20 } }),
  plan('asymmetric', { endpoint: { signing: { scheme: SignatureScheme.STANDARD_V1A } } }),
  plan('flaky', { behaviour: { ...ok, failFirst: 1 }, endpoint: delays(500, 1_000) }),
  ...[1, 2].map((number) =>
    plan(`failing-${number}`, {
      behaviour: { kind: 'answer', status: 404 },
      endpoint: delays(500, 1_000),
      ...{ ending: 'dead', attempts: 3 },
    }),
  ),
  plan('hanging', {
    behaviour: { kind: 'answer', status: 404, hangEvery: 4 },
    endpoint: { ...delays(), limits: { timeout: milliseconds(1_000), concurrencyMax: 256 } },
    eventTypes: [wantedByAllType],
    ending: 'dead',
  }),
];

/** Creates a tenant with an endpoint and a subscription for each plan, and teaches the receiver to behave and to verify. */
export async function createCustomers(
  { rpc }: Stack,
  receiver: Receiver,
  tenantId: string,
  plans: readonly CustomerPlan[],
  /** Those that the tenant may use; none: the default pool. */
  egressPools: readonly string[] = [],
): Promise<readonly Customer[]> {
  const { tenants, endpoints, subscriptions } = rpc;
  const tenant = await rpc.call(tenants, tenants.createTenant, {
    ...{ tenantId, requestId: '' },
    tenant: Tenant.fromPartial({ displayName: 'The customers of a test', quotas: { egressPools: [...egressPools] } }),
  });
  const create = async (wanted: CustomerPlan): Promise<readonly [Customer, Behaviour]> => {
    const { path } = wanted;
    const endpoint = await rpc.call(endpoints, endpoints.createEndpoint, {
      ...{ parent: tenant.name, endpointId: path, requestId: '' },
      endpoint: Endpoint.fromPartial({ ...wanted.endpoint, url: receiver.url(path) }),
    });
    await rpc.call(subscriptions, subscriptions.createSubscription, {
      ...{ parent: endpoint.name, subscriptionId: 'all', requestId: '' },
      subscription: Subscription.fromPartial({ eventTypes: [...wanted.eventTypes] }),
    });
    const verifyWith = endpoint.publicKey === '' ? endpoint.signingSecret : endpoint.publicKey;
    return [
      { ...wanted, endpointUid: endpoint.uid },
      { ...wanted.behaviour, verifyWith },
    ];
  };
  const created = await Promise.all(plans.map(create));
  await receiver.behave(Object.fromEntries(created.map(([{ path }, behaviour]) => [path, behaviour])));
  return created.map(([customer]) => customer);
}

/** Whether a customer's subscription asks for this event type. */
export function wants({ eventTypes }: CustomerPlan, type: string): boolean {
  return eventTypes.some((wanted) => wanted === type || (wanted.endsWith('*') && type.startsWith(wanted.slice(0, -1))));
}
