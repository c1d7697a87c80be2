import { invalidArgument, PostriderError } from '@postrider/core';
import type { ConfigKind, ConfigSnapshot } from '@postrider/config-view';
import type { FieldViolation } from '@postrider/core';

/** Throws `invalid_argument` with all of them when there is a violation. */
export function rejectViolations(violations: readonly FieldViolation[]): void {
  if (violations.length > 0) throw invalidArgument(violations);
}

/** The message that a request must have; throws `invalid_argument` without it. */
export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw invalidArgument([{ field, description: 'must be set' }]);
  return value;
}

/** The resource, or `not_found`. */
export function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new PostriderError('not_found', `${name} does not exist`);
  return value;
}

/** Throws `already_exists`. */
export function alreadyExists(name: string): never {
  throw new PostriderError('already_exists', `${name} exists already`);
}

/** Throws `failed_precondition`: nothing is put into a tenant that is being deleted. */
export function rejectBeingDeleted(tenant: string): never {
  throw new PostriderError('failed_precondition', `${tenant} is being deleted`);
}

/** An entity that a newer version wrote must not be written over by one that cannot read it. */
export function rejectUnreadable(snapshot: ConfigSnapshot, kind: ConfigKind, id: string, name: string): void {
  const problem = snapshot.unreadable(kind, id);
  if (problem === undefined) return;
  const text = `${name} cannot be changed: its record is not readable by this version (${problem.code})`;
  throw new PostriderError('failed_precondition', text);
}
