/** One HTTP request as a test receiver saw it. */
export interface Receipt {
  /** The URL's path without its leading slash; tests give each endpoint its own. */
  readonly path: string;
  readonly webhookId: string;
  /** SHA-256 of the body, hex. */
  readonly bodySha256: string;
  /** Milliseconds since the Unix epoch: when the body had arrived. */
  readonly at: number;
  /** The address that it came from. */
  readonly from: string;
  /** Who sent it: its `User-Agent`. */
  readonly agent: string;
  /** What the receiver answered; 0 when it never did. */
  readonly status: number;
  /** Whether the signature was right; the reason when it was not. */
  readonly signature: 'valid' | string;
}

/** How a receiver behaves on one path. */
export interface Behaviour {
  /** `answer` with the status, or `hang`: take the request and never answer. */
  readonly kind: 'answer' | 'hang';
  readonly status?: number;
  readonly delayMs?: number;
  /** `Retry-After` of answers that are not 2xx, in seconds. */
  readonly retryAfter?: number;
  /** Never answer each n-th request. */
  readonly hangEvery?: number;
  /** Fail the first n requests of each webhook-id, by 404: that opens no breaker, so each is repeated when it is due. */
  readonly failFirst?: number;
  /** `whsec_…` for `v1`, `whpk_…` for `v1a`: what the receiver verifies with. */
  readonly verifyWith: string;
}
