import { status, type ServiceError } from '@grpc/grpc-js';
import { BadRequest } from '@postrider/contract/google/rpc/error_details';
import { Status } from '@postrider/contract/google/rpc/status';
import { isMistyped } from '@postrider/core';
import { CliError, exitCodes, type ExitCode } from './cli-error.ts';

const badRequestType = 'type.googleapis.com/google.rpc.BadRequest';

/** Turns a failed call into words: the status, the sentence of the server, and one line per field that is wrong. */
export function explainRpcError(error: ServiceError, server: string, apiKey = ''): CliError {
  if (error.code === status.UNAVAILABLE && error.details.startsWith('No connection established'))
    return new CliError(exitCodes.unreachable, `Nothing answers at ${server}. Is Postrider running there?`, {
      cause: error,
    });
  // A made-up key of one's own has no checksum, so this is asked only when a key was refused.
  const isTypo = error.code === status.UNAUTHENTICATED && apiKey !== '' && isMistyped(apiKey);
  const hint = isTypo ? '\n  It does not look like a key that Postrider made: was it copied as a whole?' : '';
  const violations = fieldViolations(error).map(({ field, description }) => `\n  ${field}: ${description}`);
  const name = status[error.code] ?? String(error.code);
  const sentence = violations.length > 0 ? 'These fields are wrong:' : error.details || 'no details';
  return new CliError(exitCodeOf(error.code), `${name}: ${sentence}${violations.join('')}${hint}`, { cause: error });
}

/** The field violations that the server sent along (google.rpc.BadRequest in `grpc-status-details-bin`). */
export function fieldViolations(error: ServiceError): { field: string; description: string }[] {
  const [details] = error.metadata.get('grpc-status-details-bin');
  if (!Buffer.isBuffer(details)) return [];
  return Status.decode(details)
    .details.filter((detail) => detail.typeUrl === badRequestType)
    .flatMap((detail) => BadRequest.decode(detail.value).fieldViolations)
    .map(({ field, description }) => ({ field, description }));
}

function exitCodeOf(code: status): ExitCode {
  if (code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED) return exitCodes.unreachable;
  if (code === status.NOT_FOUND) return exitCodes.notFound;
  return exitCodes.failed;
}
