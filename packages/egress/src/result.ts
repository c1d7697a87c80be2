/** How long the parts of an attempt took, in milliseconds. */
export interface EgressTimings {
  /** Name, TCP and TLS. Absent when the socket was there already (or was never had). */
  readonly connectMs?: number;
  /** From `send` to the end of the response's headers. */
  readonly firstByteMs?: number;
  readonly totalMs: number;
}

/** An HTTP answer. Its status decides the outcome, even if its body broke off or was too long. */
export interface EgressResponse {
  readonly kind: 'response';
  readonly status: number;
  /** Flat: name, value, name, value … Names in lower case, bytes above 0x7f as Latin-1 characters. */
  readonly headers: readonly string[];
  /** The first 4 KiB of the body, as received. */
  readonly excerpt: Buffer;
  /** The body broke off, or went on beyond what is read without having said how long it would be. */
  readonly bodyTruncated: boolean;
  /** The body had more than the excerpt, or broke off. */
  readonly excerptTruncated: boolean;
  /** `Retry-After` as sent; several of them joined by `, `, which is no valid value. */
  readonly retryAfter?: string;
  readonly timings: EgressTimings;
  /** Our address of the connection. */
  readonly sourceAddress: string;
  readonly remoteAddress: string;
}

/** Stable codes; attempts carry them. */
export type EgressFailureCode =
  | 'blocked_url'
  | 'blocked_address'
  | 'dns_not_found'
  | 'dns_failure'
  | 'dns_timeout'
  | 'connection_refused'
  | 'connect_timeout'
  | 'tls_certificate'
  | 'tls_protocol'
  | 'client_certificate_expired'
  | 'headers_timeout'
  | 'total_timeout'
  | 'connection_reset'
  | 'connection_closed'
  | 'headers_too_large'
  | 'protocol_error'
  | 'pool_unavailable'
  | 'proxy_unavailable'
  | 'proxy_timeout'
  | 'proxy_auth'
  | 'proxy_denied'
  | 'proxy_error'
  | 'token_failed'
  | 'token_timeout'
  | 'token_deferred'
  | 'aborted'
  | 'internal';

/** Whose doing it was. Only the endpoint's failures count against it. */
export type FailureOwner = 'endpoint' | 'ours' | 'shutdown';

export interface FailureCause {
  readonly code: EgressFailureCode;
  readonly owner: FailureOwner;
  /** For people. Holds no secret, no request header and no address that a name resolved to. */
  readonly message: string;
}

/** No answer. */
export interface EgressFailure extends FailureCause {
  readonly kind: 'failure';
  /** Our address of the connection, if the request was handed to one. */
  readonly sourceAddress?: string;
  readonly timings: EgressTimings;
}

export type EgressResult = EgressResponse | EgressFailure;
