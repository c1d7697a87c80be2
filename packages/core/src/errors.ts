/**
 * Every cause that Postrider's own code can name, in one list. A code is stable: people, scripts and dashboards may
 * depend on it. Its meaning never changes; a cause that no longer exists leaves its code behind unused.
 *
 * - about a request: `invalid_argument` and `request_id_reused` (with violations), `not_found`, `already_exists`, `etag_mismatch`,
 *   `failed_precondition`, `last_admin` (nobody could give that role any more), `unauthenticated`, `permission_denied`,
 *   `unsupported`
 * - about a write: `not_leader` (nothing was written), `outcome_unknown` (it may have been), `read_only` (none is taken)
 * - about a record or a value that was read: `header_unreadable`, `record_unreadable`, `progress_unreadable`,
 *   `claim_unreadable`, `revision_invalid`, `filter_unsupported`, `layout_invalid`
 * - about secrets: `secret_invalid` (malformed), `secret_unreadable` (sealed under another key or context, or damaged),
 *   `key_invalid` (a key-encryption or data key that cannot be one), `key_unavailable` (it may be had later),
 *   `secrets_too_many`
 * - about ourselves: `limit_reached`, `limits_inconsistent`, `config_invalid`, `unavailable`, `deadline_exceeded`,
 *   `fenced` (this process no longer owns what it wanted to write), `cancelled` (a shutdown), `internal`
 */
export type ErrorCode =
  | 'invalid_argument'
  | 'request_id_reused'
  | 'not_found'
  | 'already_exists'
  | 'etag_mismatch'
  | 'failed_precondition'
  | 'last_admin'
  | 'unauthenticated'
  | 'permission_denied'
  | 'unsupported'
  | 'not_leader'
  | 'outcome_unknown'
  | 'read_only'
  | 'header_unreadable'
  | 'record_unreadable'
  | 'progress_unreadable'
  | 'claim_unreadable'
  | 'revision_invalid'
  | 'filter_unsupported'
  | 'layout_invalid'
  | 'secret_invalid'
  | 'secret_unreadable'
  | 'key_invalid'
  | 'key_unavailable'
  | 'secrets_too_many'
  | 'limit_reached'
  | 'limits_inconsistent'
  | 'config_invalid'
  | 'unavailable'
  | 'deadline_exceeded'
  | 'fenced'
  | 'cancelled'
  | 'internal';

/** One thing that is wrong with one field of an input. */
export interface FieldViolation {
  /** Path of the field as the caller knows it, for example `endpoint.retry_policy.delays[2]`. */
  readonly field: string;
  /** One sentence for a person: what is wrong and what is allowed. Never holds a secret. */
  readonly description: string;
  /** Stable, for programs: lower case, for example `url_address`. Absent: the field alone says enough. */
  readonly reason?: string;
}

/** What an error may carry besides its code and message. */
export interface ErrorDetails {
  /** The error underneath. */
  readonly cause?: unknown;
  /** The fields at fault, all of them. */
  readonly violations?: readonly FieldViolation[];
  /** After how long it is worth another try. */
  readonly retryAfterMs?: number;
  /** The quota that is used up. */
  readonly quota?: Quota;
}

/** A quota: whose it is, a resource's name, and how much of what, with its unit and the field that changes it. */
export interface Quota {
  readonly subject: string;
  readonly description: string;
}

/** The one error class. Messages are for people and never hold a secret; programs look at `code`. */
export class PostriderError extends Error {
  readonly code: ErrorCode;
  readonly violations: readonly FieldViolation[];
  /** After how long it is worth another try; null: it is not known. */
  readonly retryAfterMs: number | null;
  /** The quota that is used up; null: none is. */
  readonly quota: Quota | null;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = 'PostriderError';
    this.code = code;
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.quota = details.quota ?? null;
  }
}

/** Whether `error` is a PostriderError, and of this code if one is given. */
export function isPostriderError(error: unknown, code?: ErrorCode): error is PostriderError {
  return error instanceof PostriderError && (code === undefined || error.code === code);
}

/** An `invalid_argument` that names every field at fault. */
export function invalidArgument(violations: readonly FieldViolation[]): PostriderError {
  const summary = violations.map(({ field, description }) => `${field}: ${description}`).join('; ');
  return new PostriderError('invalid_argument', summary === '' ? 'invalid argument' : summary, { violations });
}
