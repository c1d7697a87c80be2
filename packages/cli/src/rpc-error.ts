import { status, type ServiceError } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, RetryInfo } from '@postrider/contract/google/rpc/error_details';
import { Status } from '@postrider/contract/google/rpc/status';
import { durationMs, isMistyped } from '@postrider/core';
import { CliError, exitCodes, type ExitCode } from './cli-error.ts';
import { formatDurationMs } from './parse.ts';

const types = 'type.googleapis.com/google.rpc.';

/** Where a call went, and by what. */
export interface Called {
  /** `host:port`. */
  readonly server: string;
  readonly isTls: boolean;
  readonly apiKey: string;
}

/** Turns a failed call into words: the status, the sentence of the server, and one line per field that is wrong. */
export function explainRpcError(error: ServiceError, { server, isTls, apiKey }: Called): CliError {
  if (error.code === status.UNAVAILABLE && error.details.startsWith('No connection established'))
    return new CliError(exitCodes.unreachable, unconnected(error.details, server, isTls), { cause: error });
  const { fields, reason } = errorDetails(error);
  // A made-up key of one's own has no checksum, so this is asked only when a key was refused.
  const isKey = apiKey !== '' && !apiKey.includes('.');
  const isTypo = error.code === status.UNAUTHENTICATED && isKey && isMistyped(apiKey);
  const hint = isTypo ? '\n  It does not look like a key that Postrider made: was it copied as a whole?' : '';
  const violations = fields.map(({ field, description }) => `\n  ${field}: ${inOptions(description)}`);
  const name = status[error.code] ?? String(error.code);
  const sentence = violations.length > 0 ? 'These fields are wrong:' : inOptions(error.details) || 'no details';
  const text = `${name}: ${sentence}${violations.join('')}${hint}`;
  const report = { code: name, reason, field: fields[0]?.field ?? '' };
  return new CliError(exitCodeOf(error.code), text, { cause: error, report });
}

/** Why there is no connection, by what OpenSSL and Node say, and what to do about it. */
const handshakeFailures: readonly (readonly [RegExp, (server: string) => string])[] = [
  [
    /ERR_TLS_CERT_ALTNAME_INVALID/,
    (server) =>
      `The certificate of ${server} is not for that name. Call it by a name in it, or say with --server-name which it bears.`,
  ],
  [/certificate has expired/i, (server) => `The certificate of ${server} has expired.`],
  [
    /certificate is not yet valid/i,
    (server) => `The certificate of ${server} is not valid yet. Is the clock of this machine right?`,
  ],
  [
    /self-signed certificate|unable to (?:verify|get (?:local )?issuer)/i,
    (server) =>
      `No authority that is believed here vouches for the certificate of ${server}. Name the one that does with --ca.`,
  ],
  [
    /wrong version number|packet length too long|record layer failure/i,
    (server) =>
      `${server} does not speak TLS. If its calls are protected in another way, write http://${server}; keys travel in plaintext then.`,
  ],
  [
    /alert certificate required|alert number 116|alert unknown ca|alert bad certificate|alert certificate (?:unknown|expired)/i,
    (server) => `${server} wants a client certificate that it believes: give it with --cert and --key.`,
  ],
];

function unconnected(details: string, server: string, isTls: boolean): string {
  const known = handshakeFailures.find(([pattern]) => pattern.test(details))?.[1];
  if (known !== undefined) return known(server);
  const isRefused = /ECONNREFUSED/.test(details);
  const hint = isTls || isRefused ? '' : ` If it speaks TLS, write https://${server}.`;
  return `Nothing answers at ${server}. Is Postrider running there?${hint}`;
}

/** What a server says to those who write their own calls → what it means on the command line. */
function inOptions(text: string): string {
  return text
    .replace('send an API key: metadata "authorization: Bearer prk_…"', 'give an API key: --api-key or --api-key-file')
    .replace('with force and no later effective_time', 'with --force --in 0s')
    .replaceAll(/\bset force\b/g, 'use --force')
    .replaceAll(/\b(\d{4,}) ?ms\b/g, (_, ms: string) => formatDurationMs(Math.ceil(Number(ms) / 1_000) * 1_000));
}

/** What the server sent along (in `grpc-status-details-bin`): the fields that are wrong, its reason, and when to come back. */
export function errorDetails(error: ServiceError): {
  readonly fields: readonly { readonly field: string; readonly description: string }[];
  readonly reason: string;
  /** Null: it says nothing of that. */
  readonly retryAfterMs: number | null;
} {
  const [trailer] = error.metadata.get('grpc-status-details-bin');
  return detailsOf(Buffer.isBuffer(trailer) ? Status.decode(trailer).details : []);
}

/** The same of details that came in an answer. */
export function detailsOf(details: Status['details']): ReturnType<typeof errorDetails> {
  const named = (name: string) => details.filter(({ typeUrl }) => typeUrl === `${types}${name}`);
  const [retryDelay] = named('RetryInfo').flatMap(({ value }) => RetryInfo.decode(value).retryDelay ?? []);
  return {
    fields: named('BadRequest').flatMap(({ value }) => BadRequest.decode(value).fieldViolations),
    reason: named('ErrorInfo').map(({ value }) => ErrorInfo.decode(value).reason)[0] ?? '',
    retryAfterMs: retryDelay === undefined ? null : durationMs(retryDelay),
  };
}

function exitCodeOf(code: status): ExitCode {
  if (code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED) return exitCodes.unreachable;
  if (code === status.NOT_FOUND) return exitCodes.notFound;
  return exitCodes.failed;
}
