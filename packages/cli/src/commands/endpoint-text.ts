import type { Duration } from '@postrider/contract/google/protobuf/duration';
import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import {
  DisableReason,
  type Endpoint,
  EndpointState,
  OnExhausted,
  type StatusRange,
} from '@postrider/contract/postrider/v1/endpoint';
import { durationMs, plainEnum, type PlainEnumKind } from '@postrider/core';
import { fieldLines, pairsText } from '../field-lines.ts';
import { shortName } from '../names.ts';
import { formatDurationMs } from '../parse.ts';
import { PRIVATE_KEY_LABEL } from './secret.ts';

/** An endpoint for a person: every field that is set, in the form in which the options give it. */
export function describeEndpoint(endpoint: Endpoint): string {
  return fieldLines([
    ['Endpoint', shortName(endpoint.name)],
    ['Display name', endpoint.displayName],
    ['URL', endpoint.url],
    ['State', stateText(endpoint)],
    ['UID', endpoint.uid],
    ['Labels', pairsText(endpoint.labels)],
    ['Headers', pairsText(endpoint.headers)],
    ...retryFields(endpoint),
    ['Order', orderText(endpoint)],
    ['Egress pool', shortName(endpoint.egressPool)],
    ...accessFields(endpoint),
    ...limitFields(endpoint),
    ['Attempts keep', optional(endpoint.attemptBody, 'ATTEMPT_BODY_POLICY')],
    ['Profile', endpoint.profile],
    ['Signing', optional(endpoint.signing?.scheme, 'SIGNATURE_SCHEME')],
    ...endpoint.secrets.map((secret): Field => ['Secret', secretText(secret)]),
    ['Created', timeText(endpoint.createTime)],
    ['Changed', timeText(endpoint.updateTime)],
    ['Last enabled', timeText(endpoint.enableTime)],
    ['Last disabled', timeText(endpoint.disableTime)],
    ['Etag', endpoint.etag],
    ['Revision', endpoint.revision],
    ['Public key', endpoint.publicKey],
    [
      endpoint.publicKey === '' ? 'Signing secret' : PRIVATE_KEY_LABEL,
      endpoint.signingSecret === '' ? '' : `${endpoint.signingSecret}   (shown this one time)`,
    ],
  ]);
}

type Field = readonly [name: string, value: string];

const disabledBecause: Partial<Record<DisableReason, string>> = {
  [DisableReason.REQUESTED]: ', by request',
  [DisableReason.GONE]: ', because it answered 410',
  [DisableReason.FAILING]: ', because it failed for too long',
};

function stateText({ state, disableReason, heldByInstallation, failingSince, pending }: Endpoint): string {
  const held = heldByInstallation ? '; only the installation may enable it' : '';
  const failing = failingSince === undefined ? '' : `, failing since ${failingSince.toISOString()}`;
  const policy = optional(pending, 'PENDING_POLICY');
  const waiting = state === EndpointState.DISABLED && policy !== '' ? `; what is pending: ${policy}` : '';
  return `${plainEnum(state, 'ENDPOINT_STATE')}${disabledBecause[disableReason] ?? ''}${held}${failing}${waiting}`;
}

function retryFields({ retryPolicy, statusPolicy }: Endpoint): Field[] {
  return [
    ['Delays', delaysText(retryPolicy)],
    ['Jitter', retryPolicy?.jitter === undefined ? '' : String(retryPolicy.jitter)],
    ['Retry span', durationText(retryPolicy?.retrySpan)],
    ['Success', rangesText(statusPolicy?.success)],
    ['Final', rangesText(statusPolicy?.final)],
  ];
}

function accessFields({ auth, tls, verification }: Endpoint): Field[] {
  const end = tls?.clientCertificateExpireTime;
  const ends = end === undefined ? '' : `; ends ${end.toISOString()}`;
  return [
    ['Shows', authText(auth)],
    ['Trusts', tls === undefined || tls.caPem === '' ? '' : 'its own authorities, not the public roots'],
    ['TLS', optional(tls?.minVersion, 'TLS_VERSION').replace('-', '.')],
    ['Certificate', ends === '' && !tls?.clientCertificatePem ? '' : `shown to the endpoint${ends}`],
    ['Verification', optional(verification, 'VERIFICATION_MODE')],
  ];
}

function limitFields({ limits }: Endpoint): Field[] {
  const { rateCount = 0, ratePeriod, concurrencyMax = 0, bodyBytesMax = 0, timeout } = limits ?? {};
  const period = ratePeriod === undefined ? '1s' : durationText(ratePeriod);
  return [
    ['Rate', rateCount === 0 ? '' : `${rateCount}/${period}`],
    ['Concurrency', concurrencyMax === 0 ? '' : String(concurrencyMax)],
    ['Body at most', bodyBytesMax === 0 ? '' : `${bodyBytesMax} bytes`],
    ['Timeout', durationText(timeout)],
  ];
}

function authText(auth: Endpoint['auth']): string {
  const method = auth?.method;
  if (method?.$case === 'basic') return `basic:${method.value.username}`;
  if (method?.$case !== 'oauth2') return method?.$case ?? '';
  const { clientId, tokenUrl, scopes } = method.value;
  return [`oauth2:${clientId} at ${tokenUrl}`, ...scopes].join(', scope ');
}

function delaysText(policy: Endpoint['retryPolicy']): string {
  const schedule = policy?.schedule;
  if (schedule?.$case === 'delays')
    return schedule.value.delays.map(durationText).join(',') || 'none: one attempt only';
  if (schedule?.$case !== 'exponential') return '';
  const { base, factor, cap, attempts } = schedule.value;
  return `${durationText(base)}, each ${factor} times the one before, at most ${durationText(cap)}; ${attempts} attempts in all`;
}

function orderText({ ordering }: Endpoint): string {
  if (ordering === undefined || ordering.mode === OrderingMode.UNSPECIFIED || ordering.mode === OrderingMode.NONE) {
    return '';
  }
  const within = ordering.mode === OrderingMode.KEY ? `per ${ordering.key}` : 'endpoint';
  const stops = ordering.onExhausted === OnExhausted.STOP;
  return `${within}; ${stops ? 'stops' : 'goes on'} behind a delivery that is given up`;
}

function secretText({ id, scheme, createTime, expireTime }: Endpoint['secrets'][number]): string {
  const ends = expireTime === undefined ? '' : `, ends at ${timeText(expireTime)}`;
  return `${id}, ${plainEnum(scheme, 'SIGNATURE_SCHEME')}, made at ${timeText(createTime)}${ends}`;
}

function rangesText(ranges: readonly StatusRange[] = []): string {
  return ranges.map(({ first, last }) => (last === 0 || last === first ? `${first}` : `${first}-${last}`)).join(',');
}

/** The word of an enum; empty where it is not set. */
function optional(value: string | undefined, kind: PlainEnumKind): string {
  const word = value === undefined ? '' : plainEnum(value, kind);
  return word === 'unspecified' ? '' : word;
}

function durationText(duration: Duration | undefined): string {
  return duration === undefined ? '' : formatDurationMs(durationMs(duration));
}

function timeText(time: Date | undefined): string {
  return time?.toISOString() ?? '';
}
