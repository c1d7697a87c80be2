import { isForbiddenHeader, limits } from '@postrider/core';
import type { Secret } from '@postrider/core';
import type { TlsIdentity } from './tls-identity.ts';

/** How an access token is got: OAuth 2.0 client credentials (RFC 6749 §4.4). */
export interface OAuthClient {
  /** `https://host[:port]` of a token URL that `judgeUrl` allowed, and its path and query. */
  readonly origin: string;
  readonly path: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly scopes: readonly string[];
}

/** One request to a tenant's endpoint. */
export interface EgressRequest {
  /** Default: POST. */
  readonly method?: 'POST' | 'OPTIONS';
  /** `https://host[:port]` of a URL that `judgeUrl` allowed. */
  readonly origin: string;
  /** Path and query of that URL, as `URL` spells them. */
  readonly path: string;
  /** Flat: name, value, name, value … Those of `isForbiddenHeader` are refused. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** From `send` to the end of the answer; clamped to 1–30 s. */
  readonly totalDeadlineMs: number;
  /** `tenant/endpoint`: sockets are kept by this key and never used for another. */
  readonly poolKey: string;
  /** Name of the egress pool that it leaves from. Absent: `default`. */
  readonly pool?: string;
  /** Absent: the public roots are trusted, TLS 1.2 or newer, and we show no certificate. Another one, other sockets. */
  readonly tls?: TlsIdentity | undefined;
  /** The request is sent with a token got by this client. The same object as long as nothing about it has changed. */
  readonly oauth2?: OAuthClient | undefined;
  /** How much of the answer's body is kept. Default: what the limits say. */
  readonly excerptBytes?: number;
  /** Connections to this endpoint at the same time; further requests wait for one, within their deadline. */
  readonly maxSockets: number;
  /**
   * Asked right before the request is handed to a socket, which may be long after `send` when a connection had to be
   * made. `false`: nothing is sent and the result is `aborted`, a shutdown's doing.
   */
  readonly mayStart?: () => boolean;
}

/** Whose endpoint a pool key stands for. */
export function tenantOf(poolKey: string): string {
  return poolKey.split('/', 1)[0] ?? '';
}

/** Names that were judged: a request has a dozen, and nearly all have the same. */
const judged = new Map<string, boolean>();
const judgedMax = 1_000;

/** The first header that no request may have, if there is one: it would change where the request goes or what it says. */
export function forbiddenHeaderIn(headers: readonly string[]): string | undefined {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? '';
    if (judged.get(name) ?? judge(name)) return name;
  }
  return undefined;
}

function judge(name: string): boolean {
  const isForbidden = isForbiddenHeader(name);
  if (judged.size < judgedMax && name.length <= limits.customHeaderNameMax) judged.set(name, isForbidden);
  return isForbidden;
}

const pathText = /^\/[\x21-\xff]*$/;
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether the HTTP client takes it: what it does not take is a fault of ours, or of a record that nobody judged. */
export function isWellFormed({ path, headers }: EgressRequest): boolean {
  const isPart = (text: string, index: number): boolean => (index % 2 === 0 ? headerName : headerValue).test(text);
  return pathText.test(path) && headers.length % 2 === 0 && headers.every(isPart);
}

/** The parts of an allowed URL that a request needs. Worth keeping per endpoint. */
export function targetOf(url: URL): { origin: string; host: string; path: string } {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { origin: url.origin, host, path: `${url.pathname}${url.search}` };
}
