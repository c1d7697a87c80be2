import type { Duration } from '@postrider/contract/google/protobuf/duration';
import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import { DisableReason, type Endpoint, OnExhausted, VerificationMode } from '@postrider/contract/postrider/v1/endpoint';
import { plainEnum } from '@postrider/core';
import { shortName } from '../names.ts';

/** An endpoint in a few lines for a person. */
export function describeEndpoint(endpoint: Endpoint): string {
  const lines = [
    ['Endpoint', shortName(endpoint.name)],
    ['URL', endpoint.url],
    ['State', stateText(endpoint)],
    ['UID', endpoint.uid],
    ['Delays', delaysText(endpoint)],
    ['Order', orderText(endpoint)],
    ['Egress pool', shortName(endpoint.egressPool)],
    ['Shows', endpoint.auth?.method?.$case ?? ''],
    ['Certificate', certificateText(endpoint)],
    ['Verification', verificationText(endpoint)],
    ['Rate', rateText(endpoint)],
    ['Timeout', seconds(endpoint.limits?.timeout)],
    ['Etag', endpoint.etag],
    ['Public key', endpoint.publicKey],
    ['Signing secret', endpoint.signingSecret === '' ? '' : `${endpoint.signingSecret}   (shown this one time)`],
  ];
  return lines
    .filter(([, value]) => value !== '')
    .map(([label, value]) => `${label?.padEnd(15)} ${value}\n`)
    .join('');
}

const disabledBecause: Partial<Record<DisableReason, string>> = {
  [DisableReason.REQUESTED]: ', by request',
  [DisableReason.GONE]: ', because it answered 410',
  [DisableReason.FAILING]: ', because it failed for too long',
};

function stateText({ state, disableReason, heldByInstallation, failingSince }: Endpoint): string {
  const held = heldByInstallation ? '; only the installation may enable it' : '';
  const failing = failingSince === undefined ? '' : `, failing since ${failingSince.toISOString()}`;
  return `${plainEnum(state, 'ENDPOINT_STATE')}${disabledBecause[disableReason] ?? ''}${held}${failing}`;
}

function certificateText({ tls }: Endpoint): string {
  const end = tls?.clientCertificateExpireTime;
  return end === undefined ? '' : `shown to the endpoint; ends ${end.toISOString()}`;
}

function rateText({ limits }: Endpoint): string {
  return limits?.rateCount ? `${limits.rateCount} in ${seconds(limits.ratePeriod)}` : '';
}

function verificationText({ verification }: Endpoint): string {
  const isAsked = verification === VerificationMode.CLOUDEVENTS || verification === VerificationMode.CHALLENGE;
  return isAsked ? plainEnum(verification, 'VERIFICATION_MODE') : '';
}

function delaysText({ retryPolicy }: Endpoint): string {
  if (retryPolicy?.schedule?.$case !== 'delays') return '';
  return retryPolicy.schedule.value.delays.map(seconds).join(', ') || 'none: one attempt only';
}

function orderText({ ordering }: Endpoint): string {
  if (ordering === undefined || ordering.mode === OrderingMode.UNSPECIFIED || ordering.mode === OrderingMode.NONE) {
    return '';
  }
  const within = ordering.mode === OrderingMode.KEY ? `per ${ordering.key}` : 'endpoint';
  const stops = ordering.onExhausted === OnExhausted.STOP;
  return `${within}; ${stops ? 'stops' : 'goes on'} behind a delivery that is given up`;
}

function seconds(duration: Duration | undefined): string {
  return duration === undefined ? '' : `${Number(duration.seconds) + duration.nanos / 1e9} s`;
}
