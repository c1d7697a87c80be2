import { dataKeyOf, sealDataKey, sealSigningSecret } from '@postrider/config-view';
import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import {
  Endpoint,
  EndpointState,
  OnExhausted,
  PendingPolicy,
  RetryPolicy,
} from '@postrider/contract/postrider/v1/endpoint';
import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import { Secret, parseKek, validateRetryPolicy, type SealingKey } from '@postrider/core';
import { CONFIG_HEADER } from '@postrider/kafka';
import type { FakeKafka } from '@postrider/kafka/testing';
import { randomOf } from './random.ts';
import type { EndpointPlan, Plan } from './plan.ts';

/** What a simulated installation is set up with. */
const random = randomOf(1, 'secrets');
export const kek: SealingKey = parseKek(random.bytes(32).toString('hex'));
const dataKeyMaterial = new Secret(random.bytes(32));
const dataKey = dataKeyOf(dataKeyMaterial);
const signingSecret = `whsec_${random.bytes(32).toString('base64')}`;
const sealedByTenant = new Map<string, ReturnType<typeof sealFor>>();

/** Sealing costs more than all the rest of a record: once per tenant is enough. */
function sealFor(tenant: string) {
  return {
    dataKey: sealDataKey(dataKeyMaterial, kek, tenant, random.bytes),
    secret: sealSigningSecret(new Secret(signingSecret), dataKey, tenant, 'sec_1', random.bytes),
  };
}

function sealed(tenant: string): ReturnType<typeof sealFor> {
  let found = sealedByTenant.get(tenant);
  if (found === undefined) sealedByTenant.set(tenant, (found = sealFor(tenant)));
  return found;
}

/** How an endpoint stands now, as the control plane would keep it. */
export interface EndpointTruth {
  readonly plan: EndpointPlan;
  readonly uid: string;
  state: 'enabled' | 'keep' | 'cancel' | 'deleted';
  delaysMs: readonly number[];
  ratePerMinute: number;
  ordering: EndpointPlan['ordering'];
  /** The most attempts that any of its policies allowed. */
  attemptsMax: number;
  /** Nothing about it has changed. */
  untouched: boolean;
}

/** The configuration of a seed, written as the control plane writes it. */
export interface Customers {
  readonly endpoints: readonly EndpointTruth[];
  byUid(uid: string): EndpointTruth | undefined;
  revision(): string;
  /** Writes the endpoint as it stands now; as a deletion when it is deleted. */
  write(endpoint: EndpointTruth): void;
  /** What a person on call asks for. */
  pause(tenant: string): void;
  resume(tenant: string): void;
  drain(processId: string): void;
}

/** Writes tenants, endpoints and subscriptions of a plan. */
export function createCustomers(kafka: FakeKafka, plan: Plan): Customers {
  let revision = 0;
  const put = (key: string, entity: ConfigRecord['entity']): void => {
    revision += 1;
    const record = ConfigRecord.fromPartial({ key, revision: String(revision), writerEpoch: 0n, schemaVersion: 1 });
    const value = Buffer.from(ConfigRecord.encode({ ...record, entity }).finish());
    const deleted = entity?.$case === 'tombstone';
    kafka.append('postrider.config', 0, {
      key: Buffer.from(key),
      value: deleted ? null : value,
      ...(deleted ? { headers: { [CONFIG_HEADER]: value } } : {}),
    });
  };
  const partialEntity = (partial: Parameters<typeof ConfigRecord.fromPartial>[0]) =>
    ConfigRecord.fromPartial(partial).entity;
  put('layout/current', { $case: 'layout', value: { generation: 1, partitions: plan.partitions, slots: 4_096 } });
  for (const tenant of plan.tenants) {
    const value = { tenant: { name: `tenants/${tenant}` }, dataKey: sealed(tenant).dataKey };
    put(`tenant/${tenant}`, partialEntity({ entity: { $case: 'tenant', value } }));
  }
  const endpoints = plan.endpoints.map(truthOf);
  const byUid = new Map(endpoints.map((endpoint) => [endpoint.uid, endpoint]));

  function write(truth: EndpointTruth): void {
    if (truth.state === 'deleted') {
      for (const key of [`subscription/sub_${truth.plan.id}`, `endpoint/${truth.uid}`])
        put(key, { $case: 'tombstone', value: { actor: 'simulation', time: undefined } });
      return;
    }
    const endpoint = endpointOf(truth, String(revision + 1));
    // One that breaks a bound would quietly be replaced by the default.
    const [violation] = validateRetryPolicy(endpoint.retryPolicy ?? RetryPolicy.fromPartial({}));
    if (violation !== undefined)
      throw new Error(`the simulation made a retry policy that is not one: ${JSON.stringify(violation)}`);
    const secrets = [
      { id: 'sec_1', scheme: 'SIGNATURE_SCHEME_STANDARD_V1' as const, sealed: sealed(truth.plan.tenant).secret },
    ];
    put(`endpoint/${truth.uid}`, partialEntity({ entity: { $case: 'endpoint', value: { endpoint, secrets } } }));
  }

  function create(truth: EndpointTruth): void {
    write(truth);
    const { tenant, id, types } = truth.plan;
    const name = `tenants/${tenant}/endpoints/${id}/subscriptions/s`;
    const value = { name, uid: `sub_${id}`, endpointUid: truth.uid, eventTypes: [...types] };
    put(`subscription/sub_${id}`, partialEntity({ entity: { $case: 'subscription', value } }));
  }

  for (const truth of endpoints) {
    const { createdAtMs = 0 } = truth.plan;
    if (createdAtMs === 0) create(truth);
    else kafka.clock.after(createdAtMs, () => create(truth));
  }
  const byHand = { reason: 'a simulation', actor: 'simulation' };
  return {
    ...{ endpoints, byUid: (uid) => byUid.get(uid), revision: () => String(revision), write },
    pause(tenant) {
      const value = { name: `tenants/${tenant}`, ...byHand };
      put(`pause/${value.name}`, partialEntity({ entity: { $case: 'pause', value } }));
    },
    resume: (tenant) =>
      put(`pause/tenants/${tenant}`, { $case: 'tombstone', value: { actor: 'simulation', time: undefined } }),
    drain(processId) {
      const value = { name: `dispatchers/${processId}`, ...byHand };
      put(`drain/${processId}`, partialEntity({ entity: { $case: 'drain', value } }));
    },
  };
}

function truthOf(plan: EndpointPlan): EndpointTruth {
  return {
    plan,
    uid: `ep_${plan.id}`,
    state: 'enabled',
    delaysMs: plan.delaysMs,
    ratePerMinute: plan.ratePerMinute,
    ordering: plan.ordering,
    attemptsMax: plan.delaysMs.length + 1,
    untouched: true,
  };
}

const orderingModes = { none: OrderingMode.NONE, endpoint: OrderingMode.ENDPOINT, key: OrderingMode.KEY } as const;
const seconds = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1_000)), nanos: (ms % 1_000) * 1_000_000 });

function endpointOf(truth: EndpointTruth, revision: string): Endpoint {
  const { plan } = truth;
  return Endpoint.fromPartial({
    name: `tenants/${plan.tenant}/endpoints/${plan.id}`,
    uid: truth.uid,
    url: `https://${plan.id}.example.com/${plan.id}`,
    state: truth.state === 'enabled' ? EndpointState.ENABLED : EndpointState.DISABLED,
    pending: truth.state === 'cancel' ? PendingPolicy.CANCEL : PendingPolicy.KEEP,
    revision,
    retryPolicy: {
      schedule: { $case: 'delays', value: { delays: truth.delaysMs.map(seconds) } },
      jitter: 0.1,
      ...(plan.spanMs === null ? {} : { retrySpan: seconds(plan.spanMs) }),
    },
    limits: {
      concurrencyMax: plan.concurrencyMax,
      timeout: seconds(plan.timeoutMs),
      ...(truth.ratePerMinute === 0 ? {} : { rateCount: truth.ratePerMinute, ratePeriod: seconds(60_000) }),
    },
    ordering: {
      mode: orderingModes[truth.ordering],
      key: truth.ordering === 'key' ? 'subject' : '',
      onExhausted: plan.onExhausted === 'stop' ? OnExhausted.STOP : OnExhausted.SKIP,
    },
  });
}
