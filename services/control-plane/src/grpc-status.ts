import { Metadata, status } from '@grpc/grpc-js';
import {
  BadRequest,
  BadRequest_FieldViolation,
  ErrorInfo,
  QuotaFailure,
  RetryInfo,
} from '@postrider/contract/google/rpc/error_details';
import { Status } from '@postrider/contract/google/rpc/status';
import { durationOf, encodedBytes, PostriderError } from '@postrider/core';
import { KafkaError } from '@postrider/kafka';
import { sizeOf } from './messages.ts';
import { serverLimits } from './server-limits.ts';
import type { ServiceError } from '@grpc/grpc-js';
import type { Any } from '@postrider/contract/google/protobuf/any';
import type { ErrorCode, FieldViolation, Quota } from '@postrider/core';

/** The trailer that holds a google.rpc.Status with the details of an error. */
export const STATUS_DETAILS_TRAILER = 'grpc-status-details-bin';

const BAD_REQUEST_TYPE = 'type.googleapis.com/google.rpc.BadRequest';
const QUOTA_FAILURE_TYPE = 'type.googleapis.com/google.rpc.QuotaFailure';
const RETRY_INFO_TYPE = 'type.googleapis.com/google.rpc.RetryInfo';
/** Of a message within another one: the tag and length before it, at most. */
const LENGTHS_BYTES = 8;

/** The one table from causes to gRPC statuses. */
const statusOfCode: Readonly<Record<ErrorCode, status>> = {
  invalid_argument: status.INVALID_ARGUMENT,
  request_id_reused: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  etag_mismatch: status.ABORTED,
  failed_precondition: status.FAILED_PRECONDITION,
  last_admin: status.FAILED_PRECONDITION,
  unauthenticated: status.UNAUTHENTICATED,
  permission_denied: status.PERMISSION_DENIED,
  unsupported: status.UNIMPLEMENTED,
  not_leader: status.UNAVAILABLE,
  outcome_unknown: status.UNAVAILABLE,
  read_only: status.FAILED_PRECONDITION,
  secret_invalid: status.INVALID_ARGUMENT,
  filter_unsupported: status.INVALID_ARGUMENT,
  secrets_too_many: status.FAILED_PRECONDITION,
  limit_reached: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  key_unavailable: status.UNAVAILABLE,
  deadline_exceeded: status.UNAVAILABLE,
  fenced: status.UNAVAILABLE,
  cancelled: status.UNAVAILABLE,
  header_unreadable: status.INTERNAL,
  record_unreadable: status.INTERNAL,
  progress_unreadable: status.INTERNAL,
  claim_unreadable: status.INTERNAL,
  revision_invalid: status.INTERNAL,
  layout_invalid: status.INTERNAL,
  secret_unreadable: status.INTERNAL,
  key_invalid: status.INTERNAL,
  limits_inconsistent: status.INTERNAL,
  config_invalid: status.INTERNAL,
  internal: status.INTERNAL,
};

/** What another replica answered to a call that was passed on to it: its caller's answer as it is. */
export class ForwardedError extends Error {
  readonly answer: ServiceError;

  constructor(answer: ServiceError) {
    super(answer.details);
    this.answer = answer;
  }
}

/** What callers are told of a fault that is ours: the log holds the rest. */
const INTERNAL_MESSAGE = 'internal error; the log of the control plane says more';

/**
 * The gRPC error of whatever a method threw, with a google.rpc.ErrorInfo that names the cause and, for bad input, a
 * google.rpc.BadRequest with one violation per problem. Nothing of a fault of our own reaches the caller.
 */
export function toServiceError(error: unknown): ServiceError {
  if (error instanceof ForwardedError) return error.answer;
  const told = toStatus(error);
  const { code, message } = told;
  const metadata = new Metadata();
  metadata.set(STATUS_DETAILS_TRAILER, encodedBytes(Status.encode(told)));
  return Object.assign(new Error(message), { code, details: message, metadata });
}

/** The same as a message, for answers that tell of several things. */
export function toStatus(error: unknown): Status {
  const known = asPostriderError(error);
  const code = known === null ? status.INTERNAL : statusOfCode[known.code];
  const ours = known === null || code === status.INTERNAL;
  const message = ours ? INTERNAL_MESSAGE : cutEncoded(known.message, serverLimits.statusMessageBytesMax);
  const reason = (ours ? 'internal' : known.code).toUpperCase();
  const info = ErrorInfo.encode({ reason, domain: 'postrider.dev', metadata: {} }).finish();
  const details: Any[] = [{ typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.from(info) }];
  const retryAfterMs = known?.retryAfterMs ?? (code === status.UNAVAILABLE ? serverLimits.retryAfterMs : null);
  if (retryAfterMs !== null) details.push(retryInfo(retryAfterMs));
  if (!ours && known.quota !== null) details.push(quotaFailure(known.quota));
  if (!ours && known.violations.length > 0) {
    const left = serverLimits.statusDetailsBytesMax - Status.encode({ code, message, details }).finish().length;
    details.unshift({ typeUrl: BAD_REQUEST_TYPE, value: badRequest(known.violations, left - BAD_REQUEST_TYPE.length) });
  }
  return { code, message, details };
}

function quotaFailure(quota: Quota): Any {
  const value = QuotaFailure.encode(QuotaFailure.fromPartial({ violations: [quota] })).finish();
  return { typeUrl: QUOTA_FAILURE_TYPE, value: Buffer.from(value) };
}

function retryInfo(afterMs: number): Any {
  const value = RetryInfo.encode({ retryDelay: durationOf(afterMs) }).finish();
  return { typeUrl: RETRY_INFO_TYPE, value: Buffer.from(value) };
}

function asPostriderError(error: unknown): PostriderError | null {
  if (error instanceof PostriderError) return error;
  if (!(error instanceof KafkaError)) return null;
  switch (error.code) {
    case 'FENCED':
    case 'CLOSED':
    case 'UNAVAILABLE':
      return new PostriderError('unavailable', 'Kafka does not answer; try again', { cause: error });
    case 'OUTCOME_UNKNOWN':
      return new PostriderError('outcome_unknown', 'whether the change took effect is unknown', { cause: error });
    case 'RECORD_TOO_LARGE':
      return new PostriderError('limit_reached', 'the resource is too large to be stored', { cause: error });
    case 'RECORD_REFUSED':
    case 'UNKNOWN_TOPIC':
    case 'INVALID_ARGUMENT':
      return null;
  }
}

/** As many violations, from the first, as fit. */
function badRequest(violations: readonly FieldViolation[], bytesMax: number): Buffer {
  const told: BadRequest_FieldViolation[] = [];
  let bytes = 0;
  for (const { field, description, reason = '' } of violations.slice(0, serverLimits.violationsToldMax)) {
    const texts = { field: cut(field), description: cut(description), reason: reason.toUpperCase() };
    const violation = BadRequest_FieldViolation.fromPartial(texts);
    bytes += sizeOf(BadRequest_FieldViolation, violation) + LENGTHS_BYTES;
    if (bytes + LENGTHS_BYTES > bytesMax) break;
    told.push(violation);
  }
  return encodedBytes(BadRequest.encode(BadRequest.fromPartial({ fieldViolations: told })));
}

function cut(text: string): string {
  const length = serverLimits.violationTextMax;
  // Half a character at the cut has no form in UTF-8.
  return (text.length <= length ? text : `${text.slice(0, length - 1)}…`).toWellFormed();
}

/** Cut to what it takes in the `grpc-message` header, where most characters become `%XX` for each of their bytes. */
function cutEncoded(text: string, bytesMax: number): string {
  const wellFormed = text.slice(0, bytesMax + 1).toWellFormed();
  if (encodeURI(wellFormed).length <= bytesMax) return wellFormed;
  let kept = '';
  let bytes = encodeURI('…').length;
  for (const character of wellFormed) {
    bytes += encodeURI(character).length;
    if (bytes > bytesMax) break;
    kept += character;
  }
  return `${kept}…`;
}
