import {
  AttemptBodyPolicy,
  Endpoint,
  EndpointLimits,
  EndpointTls,
  Ordering,
  RetryPolicy,
  StatusPolicy,
  VerificationMode,
} from '@postrider/contract/postrider/v1/endpoint';
import { etagOf } from './etag.ts';
import { secretInfo } from './signing-secret.ts';
import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { MaskRules } from './field-mask.ts';

const outputOnly = { kind: 'output-only' } as const;

/** What an update may do with each field of an endpoint. */
export const endpointMaskRules: MaskRules<Endpoint> = {
  name: { kind: 'immutable', why: 'cannot be changed' },
  uid: outputOnly,
  display_name: { kind: 'changeable', property: 'displayName' },
  url: { kind: 'changeable', property: 'url' },
  labels: { kind: 'changeable', property: 'labels' },
  state: { kind: 'immutable', why: 'is changed by EnableEndpoint and DisableEndpoint' },
  disable_reason: outputOnly,
  signing: { kind: 'immutable', why: 'is changed by RotateSecret' },
  retry_policy: {
    kind: 'changeable',
    property: 'retryPolicy',
    parts: {
      names: ['jitter', 'retry_span'],
      oneofs: { delays: 'schedule', exponential: 'schedule' },
      blank: () => RetryPolicy.fromPartial({}),
    },
  },
  status_policy: {
    kind: 'changeable',
    property: 'statusPolicy',
    parts: { names: ['success', 'final'], blank: () => StatusPolicy.fromPartial({}) },
  },
  limits: {
    kind: 'changeable',
    property: 'limits',
    parts: {
      names: ['concurrency_max', 'rate_count', 'rate_period', 'timeout', 'body_bytes_max'],
      blank: () => EndpointLimits.fromPartial({}),
    },
  },
  ordering: {
    kind: 'changeable',
    property: 'ordering',
    parts: { names: ['mode', 'key', 'on_exhausted'], blank: () => Ordering.fromPartial({}) },
  },
  auth: { kind: 'changeable', property: 'auth' },
  headers: { kind: 'changeable', property: 'headers' },
  egress_pool: { kind: 'changeable', property: 'egressPool' },
  tls: {
    kind: 'changeable',
    property: 'tls',
    parts: {
      names: ['ca_pem', 'client_certificate_pem', 'client_key_pem', 'min_version'],
      blank: () => EndpointTls.fromPartial({}),
    },
  },
  verification: { kind: 'changeable', property: 'verification', unset: VerificationMode.UNSPECIFIED },
  attempt_body: { kind: 'changeable', property: 'attemptBody', unset: AttemptBodyPolicy.UNSPECIFIED },
  secrets: outputOnly,
  signing_secret: { kind: 'immutable', why: 'can only be given at creation; RotateSecret gives another one' },
  create_time: outputOnly,
  update_time: outputOnly,
  etag: { kind: 'immutable', why: 'guards the change and is not changed by it' },
  revision: outputOnly,
  pending: outputOnly,
  disable_time: outputOnly,
  enable_time: outputOnly,
  profile: { kind: 'changeable', property: 'profile' },
  public_key: outputOnly,
  failing_since: outputOnly,
  held_by_installation: outputOnly,
};

/** What a client may choose of an endpoint; everything else is the server's. */
export function chosenPart(wanted: Endpoint): Endpoint {
  // One object of the usual shape: built field by field, all that is made of it would be slow to read.
  return { ...wanted, ...serversPart };
}

const chosenFields: ReadonlySet<string> = new Set([
  ...Object.values(endpointMaskRules).flatMap((rule) => (rule.kind === 'changeable' ? [rule.property] : [])),
  'signing',
]);
/** What clients cannot choose, unset. */
const serversPart: Partial<Endpoint> = Object.fromEntries(
  Object.entries(Endpoint.fromPartial({})).filter(([field]) => !chosenFields.has(field)),
);

/** An endpoint as clients see it: with its etag and what may be told of its secrets. */
export function shownEndpoint({ endpoint, secrets }: EndpointConfig): Endpoint {
  const resource = endpoint ?? Endpoint.fromPartial({});
  return { ...resource, secrets: secrets.map(secretInfo), signingSecret: '', etag: etagOf(resource) };
}
