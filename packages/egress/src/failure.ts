import type { EgressFailureCode, FailureCause, FailureOwner } from './result.ts';

/**
 * A cause on its way through the client, which only carries errors. Where it was made says nothing that its code does not,
 * and a dead endpoint sets off many: it has no stack trace.
 */
export class EgressError extends Error {
  readonly failure: FailureCause;

  constructor(code: EgressFailureCode, owner: FailureOwner, message: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'EgressError';
    this.failure = { code, owner, message };
  }
}

/** This machine has run out of something, or is set up wrongly. */
const oursByCode = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRNOTAVAIL',
  'EADDRINUSE',
  'EACCES',
  'EPERM',
  'EINVAL',
]);
const brokenByCode = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTCONN',
]);

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** Why a TCP connection could not be made. `code` is what the system said. */
export function tcpFailure(error: unknown): EgressError {
  const code = codeOf(error);
  if (oursByCode.has(code))
    return new EgressError('internal', 'ours', `no connection can be opened here (${code})`, { cause: error });
  if (code === 'ETIMEDOUT')
    return new EgressError('connect_timeout', 'endpoint', 'no connection in time', { cause: error });
  if (code === 'ECONNRESET')
    return new EgressError('connection_reset', 'endpoint', 'the connection was reset', { cause: error });
  return new EgressError(
    'connection_refused',
    'endpoint',
    `the endpoint refused the connection or has no route (${code})`,
    { cause: error },
  );
}

/** Why a TLS handshake failed. */
export function tlsFailure(error: unknown): EgressError {
  const code = codeOf(error);
  if (brokenByCode.has(code)) {
    // Node calls an end without a reset by the same code; only the latter comes from a system call.
    const closed = (error as NodeJS.ErrnoException).syscall === undefined;
    const message = `the connection was ${closed ? 'closed' : 'reset'} during the TLS handshake`;
    return new EgressError(closed ? 'connection_closed' : 'connection_reset', 'endpoint', message, { cause: error });
  }
  const message = `TLS failed: ${code === '' ? 'unknown reason' : code}`;
  return new EgressError(tlsCode(code), 'endpoint', message, { cause: error });
}

/** Verdicts on certificates bear OpenSSL's names (`CERT_HAS_EXPIRED`); protocol errors begin with `ERR_`. */
function tlsCode(code: string): 'tls_certificate' | 'tls_protocol' {
  const isProtocol = code === '' || (code.startsWith('ERR_') && code !== 'ERR_TLS_CERT_ALTNAME_INVALID');
  return isProtocol ? 'tls_protocol' : 'tls_certificate';
}

/** Why a name gave no addresses: the endpoint's, unless no resolver could be asked. */
export function dnsFailure(error: unknown): EgressError {
  const code = codeOf(error);
  const ours = code === 'ECONNREFUSED' || code === 'ECANCELLED' || code === 'ELOADIPHLPAPI' || oursByCode.has(code);
  const message = ours
    ? `no resolver answers (${code})`
    : `the host name cannot be resolved (${code === '' ? 'error' : code})`;
  return new EgressError(dnsCode(code), ours ? 'ours' : 'endpoint', message, { cause: error });
}

function dnsCode(code: string): EgressFailureCode {
  if (code === 'ENOTFOUND' || code === 'ENODATA') return 'dns_not_found';
  return code === 'ETIMEOUT' ? 'dns_timeout' : 'dns_failure';
}

/**
 * What an error of the client means. Whatever is not known to be ours is the endpoint's: its assertions and parser errors
 * are all set off by what an endpoint sent.
 */
export function exchangeFailure(error: unknown): FailureCause {
  if (error instanceof EgressError) return error.failure;
  const code = codeOf(error);
  const endpoint = (which: EgressFailureCode, message: string): FailureCause => ({
    code: which,
    owner: 'endpoint',
    message,
  });
  if (code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'HPE_HEADER_OVERFLOW') {
    return endpoint('headers_too_large', 'the response headers are too long');
  }
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH' || oursByCode.has(code)) {
    return { code: 'internal', owner: 'ours', message: `the request could not be made (${code})` };
  }
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED' || code === 'UND_ERR_ABORTED') {
    return { code: 'aborted', owner: 'shutdown', message: 'the request was given up' };
  }
  if (brokenByCode.has(code)) return endpoint('connection_reset', `the connection broke (${code})`);
  if (code === 'UND_ERR_SOCKET' && /closed/.test((error as Error).message)) {
    return endpoint('connection_closed', 'the endpoint closed the connection without an answer');
  }
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) return endpoint(tlsCode(code), `TLS failed: ${code}`);
  return endpoint('protocol_error', `the answer is not valid HTTP${code === '' ? '' : ` (${code})`}`);
}
