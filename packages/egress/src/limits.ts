import { limits } from '@postrider/core';

/** What bounds one request and what is kept for it. The unit is the last word of each name. */
export interface EgressLimits {
  /** TCP and TLS together, names included. */
  readonly connectMs: number;
  /** One question to name servers. */
  readonly resolveMs: number;
  /** Addresses of a name are used again without a question for its time to live, but for so long at least and at most. */
  readonly nameFreshMinMs: number;
  readonly nameFreshMaxMs: number;
  /** How long it is remembered that there is no such name. */
  readonly nameAbsentMs: number;
  /** How long after a question that failed the next one waits. */
  readonly nameTroubleMs: number;
  /** Names that are remembered. */
  readonly namesMax: number;
  /** From the hand-over to the socket until a final status line and all headers are there. */
  readonly headersMs: number;
  readonly totalMinMs: number;
  readonly totalMaxMs: number;
  readonly responseHeaderBytes: number;
  /** Body bytes read before the socket is destroyed. */
  readonly responseBodyBytes: number;
  readonly responseExcerptBytes: number;
  /** Bytes on the wire of one response: headers, body, and what framing and interim responses may add. */
  readonly responseWireBytes: number;
  /** From asking for an access token to its answer. */
  readonly tokenMs: number;
  readonly tokenAnswerBytes: number;
  /** A token that says nothing of its life is kept so long; none is kept longer than the most, nor into the margin. */
  readonly tokenDefaultMs: number;
  readonly tokenMaxMs: number;
  readonly tokenMarginMs: number;
  /** After a failure nobody asks again for so long. */
  readonly tokenAgainMs: number;
  /** Between two looks at the ways out of egress pools. */
  readonly poolLookEveryMs: number;
  /** A proxy is there when a connection to it stands for so long: the system still takes some for one that is dying. */
  readonly proxyStandsMs: number;
  /** Between two questions for a pool's source address, and after one that gave no good answer. */
  readonly echoEveryMs: number;
  readonly echoAgainMs: number;
  /** How long an unused socket is kept. */
  readonly idleSocketMs: number;
  /** An endpoint may ask for a longer time with `Keep-Alive: timeout=`, up to this. */
  readonly idleSocketMaxMs: number;
  /** Sockets of all endpoints, in use or kept. Unused ones of the longest unused endpoint go first. */
  readonly socketsMax: number;
  /** Endpoints whose sockets are remembered. */
  readonly endpointsMax: number;
  /** A TLS session is kept for an endpoint's next connection unless it is larger: its size is the endpoint's choice. */
  readonly tlsSessionBytes: number;
}

export const defaultLimits: EgressLimits = Object.freeze({
  connectMs: limits.connectTimeoutMs,
  resolveMs: 2_000,
  nameFreshMinMs: 1_000,
  nameFreshMaxMs: 60_000,
  nameAbsentMs: 5_000,
  nameTroubleMs: 1_000,
  namesMax: 10_000,
  headersMs: limits.responseHeadersTimeoutMs,
  totalMinMs: limits.attemptTimeoutMinMs,
  totalMaxMs: limits.attemptTimeoutMaxMs,
  responseHeaderBytes: limits.responseHeaderBytes,
  responseBodyBytes: limits.responseReadBytes,
  responseExcerptBytes: limits.responseExcerptBytes,
  tokenMs: 10_000,
  tokenAnswerBytes: 16 * 1024,
  tokenDefaultMs: 5 * 60_000,
  tokenMaxMs: 24 * 3_600_000,
  tokenMarginMs: 60_000,
  tokenAgainMs: 1_000,
  responseWireBytes: 256 * 1024,
  poolLookEveryMs: 1_000,
  proxyStandsMs: 100,
  echoEveryMs: 60_000,
  echoAgainMs: 5_000,
  idleSocketMs: 4_000,
  idleSocketMaxMs: 30_000,
  socketsMax: 4_096,
  endpointsMax: 4_096,
  tlsSessionBytes: 8 * 1024,
});
