import { openSigningSecrets } from '@postrider/config-view';
import {
  PostriderError,
  durationMs,
  isReservedHeader,
  limits,
  parseRevision,
  parseSigningSecret,
  resolveRetryPolicy,
  type ResolvedRetryPolicy,
  type SealingKey,
  type SigningKey,
} from '@postrider/core';
import { poolOf } from '@postrider/egress';
import { createCredentials, isSealedHeader, type Credentials } from './endpoint-credentials.ts';
import type { ConfigSnapshot, DataKeys } from '@postrider/config-view';
import type { EndpointConfig, TenantConfig } from '@postrider/contract/postrider/v1/config';
import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import { OnExhausted } from '@postrider/contract/postrider/v1/endpoint';
import type { Endpoint, Ordering, StatusPolicy } from '@postrider/contract/postrider/v1/endpoint';

/** What signs a request now. */
export interface ActiveKeys {
  /** The newest first. */
  readonly keys: readonly SigningKey[];
  readonly firstKeyId: string;
}

/** Where requests go, or why none may. */
export type Target =
  | { readonly kind: 'allow'; readonly origin: string; readonly host: string; readonly path: string }
  | { readonly kind: 'deny'; readonly detail: string };

/** An endpoint as requests to it are made: everything that does not change from delivery to delivery. */
export interface PreparedEndpoint {
  readonly endpoint: Endpoint;
  /** Whose it is: the tenant's id. */
  readonly tenant: string;
  /** What was routed by a revision below is cancelled: the endpoint was disabled without keeping it. Null: nothing. */
  readonly cancelsBelow: bigint | null;
  /** It owes a proof since this revision: what was asked by one below is answered for nothing. Null: it owes none. */
  readonly owesSince: bigint | null;
  readonly target: Target;
  /** Whose connections may carry its requests: its own and nobody else's. */
  readonly poolKey: string;
  /** Name of the egress pool that its requests leave from. */
  readonly pool: string;
  readonly retry: ResolvedRetryPolicy;
  readonly statusPolicy: StatusPolicy | undefined;
  /** It asks for order. */
  readonly ordered: boolean;
  /** It asks for order, and what stands behind a delivery that is given up waits for a person. */
  readonly stops: boolean;
  readonly concurrencyMax: number;
  readonly timeoutMs: number;
  /** Largest body that it is sent. */
  readonly bodyBytesMax: number;
  /** Starts at most per `ratePeriodMs`; 0: no limit. */
  readonly rateCount: number;
  readonly ratePeriodMs: number;
  /** The endpoint's own headers whose values are no secrets, flat. */
  readonly headers: readonly string[];
  /**
   * The secrets that have not expired at `now` (ms since the Unix epoch).
   * @throws PostriderError `key_unavailable`, `secret_unreadable`, `secret_invalid`
   */
  activeKeys(now: number): ActiveKeys;
  /** Whether its secrets can be opened now, as far as that depends on its tenant's data key. */
  hasKey(): boolean;
  /**
   * How requests show who we are, besides the signature.
   * @throws PostriderError `key_unavailable`, `secret_unreadable`
   */
  credentials(): Credentials;
}

/** Endpoints, prepared once per revision. */
export interface EndpointCache {
  /** Undefined when the snapshot does not know the endpoint or its tenant. */
  get(uid: string): PreparedEndpoint | undefined;
  /** URLs are judged otherwise from now on: everything is prepared anew. */
  forget(): void;
}

export interface EndpointCacheOptions {
  readonly snapshot: () => ConfigSnapshot;
  readonly dataKeys: Pick<DataKeys, 'of' | 'has'>;
  /** Whether requests may go there at all, by the text of the URL. */
  readonly judgeUrl: (url: string) => Target;
}

const RATE_PERIOD_DEFAULT_MS = 1_000;

/** An empty cache. */
export function createEndpointCache({ snapshot, dataKeys, judgeUrl }: EndpointCacheOptions): EndpointCache {
  interface Entry {
    readonly config: EndpointConfig;
    readonly tenant: TenantConfig;
    readonly prepared: PreparedEndpoint;
    /** The newest snapshot that it was compared with. */
    comparedWith: ConfigSnapshot;
  }
  const entries = new Map<string, Entry>();
  let others = entries.entries();
  /** One that nobody asks for any more would keep the keys and secrets of what is deleted: each in turn is looked at. */
  const lookAtAnother = (now: ConfigSnapshot): void => {
    const next = others.next();
    if (next.done === true) return void (others = entries.entries());
    const [uid, { config, tenant }] = next.value;
    if (now.endpoint(uid) !== config || now.tenant(tenantOf(config.endpoint)) !== tenant) entries.delete(uid);
  };
  return {
    get(uid) {
      const now = snapshot();
      const entry = entries.get(uid);
      if (entry?.comparedWith === now) return entry.prepared;
      lookAtAnother(now);
      const config = now.endpoint(uid);
      const tenant = now.tenant(tenantOf(config?.endpoint));
      if (config?.endpoint === undefined || tenant === undefined) {
        entries.delete(uid);
        return undefined;
      }
      // A record of the config topic becomes a new object: the same object is the same revision.
      if (entry?.config === config && entry.tenant === tenant) {
        entry.comparedWith = now;
        return entry.prepared;
      }
      const prepared = prepare(config, config.endpoint, tenant, { judgeUrl, dataKeys });
      entries.set(uid, { config, tenant, prepared, comparedWith: now });
      return prepared;
    },
    forget: () => entries.clear(),
  };
}

/** The tenant's id in the endpoint's name. */
function tenantOf(endpoint: Endpoint | undefined): string {
  return endpoint?.name.split('/')[1] ?? '';
}

type Preparing = Pick<EndpointCacheOptions, 'judgeUrl' | 'dataKeys'>;

function prepare(
  config: EndpointConfig,
  endpoint: Endpoint,
  tenant: TenantConfig,
  { judgeUrl, dataKeys }: Preparing,
): PreparedEndpoint {
  const { limits: bounds } = endpoint;
  const timeoutMs = bounds?.timeout === undefined ? limits.attemptTimeoutDefaultMs : durationMs(bounds.timeout);
  let active: (ActiveKeys & Opened) | null = null;
  return {
    endpoint,
    tenant: tenantOf(endpoint),
    cancelsBelow: parseRevision(config.cancelsBelow),
    owesSince: parseRevision(config.verificationSince),
    target: judgeUrl(endpoint.url),
    poolKey: `${tenantOf(endpoint)}/${endpoint.uid}`,
    pool: poolOf(endpoint.egressPool),
    retry: resolveRetryPolicy(endpoint.retryPolicy),
    statusPolicy: endpoint.statusPolicy,
    ordered: isOrdered(endpoint.ordering),
    stops: isOrdered(endpoint.ordering) && endpoint.ordering?.onExhausted === OnExhausted.STOP,
    concurrencyMax: clamp(bounds?.concurrencyMax || limits.laneConcurrencyDefault, 1, limits.laneConcurrencyMax),
    timeoutMs: clamp(
      timeoutMs || limits.attemptTimeoutDefaultMs,
      limits.attemptTimeoutMinMs,
      limits.attemptTimeoutMaxMs,
    ),
    bodyBytesMax: bounds?.bodyBytesMax || Infinity,
    rateCount: bounds?.rateCount ?? 0,
    ratePeriodMs: (bounds?.ratePeriod === undefined ? 0 : durationMs(bounds.ratePeriod)) || RATE_PERIOD_DEFAULT_MS,
    headers: ownHeaders(endpoint),
    credentials: createCredentials(config, () => dataKeys.of(tenant), judgeUrl),
    hasKey: () => dataKeys.has(tenant),
    activeKeys(now) {
      // Asked each time: what was opened with a key is of no use any more when that may not be used.
      const dataKey = dataKeys.of(tenant);
      if (active?.dataKey !== dataKey || now >= active.until) active = openKeys(config, dataKey, now);
      return active;
    },
  };
}

/**
 * Those that are not secret, flat.
 * @throws PostriderError `record_unreadable`: whoever wrote a reserved name did not ask the control plane
 */
function ownHeaders({ uid, headers }: Endpoint): string[] {
  const reserved = Object.keys(headers).find(isReservedHeader);
  if (reserved !== undefined) {
    throw new PostriderError(
      'record_unreadable',
      `endpoint ${uid} has the reserved header ${JSON.stringify(reserved)}`,
    );
  }
  return Object.entries(headers)
    .filter(([name, value]) => !isSealedHeader(name, value))
    .flat();
}

function isOrdered(ordering: Ordering | undefined): boolean {
  return ordering?.mode === OrderingMode.ENDPOINT || ordering?.mode === OrderingMode.KEY;
}

/** What keys were opened with, and until when they are the ones that sign (ms since the Unix epoch). */
interface Opened {
  readonly dataKey: SealingKey;
  readonly until: number;
}

function openKeys(config: EndpointConfig, dataKey: SealingKey, now: number): ActiveKeys & Opened {
  const secrets = openSigningSecrets(config, dataKey, now).toReversed();
  const first = secrets[0];
  if (first === undefined) {
    throw new PostriderError(
      'secret_unreadable',
      `endpoint ${config.endpoint?.uid} has no signing secret that is active`,
    );
  }
  const ends = config.secrets.map(({ expireTime }) => expireTime?.getTime() ?? Infinity);
  return {
    keys: secrets.map(({ secret }) => parseSigningSecret(secret)),
    firstKeyId: first.id,
    dataKey,
    until: Math.min(...ends.filter((end) => end > now)),
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
