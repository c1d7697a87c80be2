import { domainToUnicode } from 'node:url';
import { judgeAddress, parseAddress } from './address.ts';
import type { AddressPolicy } from './policy.ts';

/** Why a URL is refused; stable, for field violations and attempts. */
export type UrlReason =
  | 'url_empty'
  | 'url_too_long'
  | 'url_character'
  | 'url_malformed'
  | 'url_scheme'
  | 'url_user_info'
  | 'url_fragment'
  | 'url_host_not_canonical'
  | 'url_port'
  | 'url_host'
  | 'url_host_special'
  | 'url_host_own'
  | 'url_ip_literal'
  | 'url_address';

export type UrlVerdict =
  | { readonly verdict: 'allow'; readonly url: URL }
  | { readonly verdict: 'deny'; readonly reason: UrlReason; readonly detail: string };

/**
 * Suffixes that never name a public host: RFC 6761, RFC 6762, RFC 7686, RFC 8375 and RFC 9476 names, `internal`, and
 * those private networks and service discovery commonly use.
 */
const specialSuffixes = [
  'alt arpa consul corp example home internal intranet invalid lan local localdomain localhost mail onion private svc',
  'test',
].flatMap((line) => line.split(' '));

/**
 * Judges the text of an endpoint's URL without asking any resolver: the control plane before it stores one, and egress
 * again before it sends. Names that pass are still judged by their addresses on every connect.
 *
 * The parser every client uses forgives a great deal: it drops tabs, reads `http:127.0.0.1` and turns octal, hexadecimal,
 * percent-encoded and full-width spellings into one. So the text must already be what the parser makes of it: one rule
 * instead of a list of tricks. Only an international name may change, into its `xn--` form.
 */
export function judgeUrl(raw: string, policy: AddressPolicy): UrlVerdict {
  if (raw === '') return deny('url_empty', 'is empty');
  if (Buffer.byteLength(raw) > policy.maxUrlBytes) {
    return deny('url_too_long', `is longer than ${policy.maxUrlBytes} bytes`);
  }
  if (/[\p{Cc} \\]/u.test(raw)) return deny('url_character', 'has a space, control character or backslash');
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(raw);
  const url = URL.parse(raw);
  const authority = match?.[2] ?? '';
  if (match === null || url === null || authority === '')
    return deny('url_malformed', 'is not a URL such as https://host/path');
  if (url.protocol !== 'https:' && !(policy.allowHttp && url.protocol === 'http:')) {
    return deny('url_scheme', policy.allowHttp ? 'must begin with https:// or http://' : 'must begin with https://');
  }
  if (authority.includes('@')) return deny('url_user_info', 'must not hold a user name or password');
  if (raw.includes('#')) return deny('url_fragment', 'must not have a fragment (#): it never reaches the endpoint');
  const rawHost = hostOf(authority);
  if (!isCanonical(rawHost, url.hostname)) {
    return deny('url_host_not_canonical', `must name its host in the plain form, ${JSON.stringify(url.hostname)}`);
  }
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (port === 0 || (policy.ports !== 'any' && !policy.ports.has(port))) {
    const allowed = policy.ports === 'any' ? '1 to 65535' : [...policy.ports].join(', ');
    return deny('url_port', `must use one of the ports ${allowed}`);
  }
  return judgeHost(url, policy);
}

/** The host as written: the authority without its port. */
function hostOf(authority: string): string {
  return authority.replace(/:\d*$/, '');
}

function isCanonical(rawHost: string, hostname: string): boolean {
  if (rawHost.toLowerCase() === hostname) return true;
  // An IPv6 address may be spelled in full; it is the same address in every parser.
  if (hostname.startsWith('[')) return parseAddress(rawHost.slice(1, -1)) !== undefined;
  // An international name, written as what its xn-- form says and in no other way that is mapped to it.
  return /\P{ASCII}/u.test(rawHost) && domainToUnicode(hostname) === rawHost.toLowerCase().normalize('NFC');
}

function judgeHost(url: URL, policy: AddressPolicy): UrlVerdict {
  const host = url.hostname;
  const address = parseAddress(host.startsWith('[') ? host.slice(1, -1) : host);
  if (address !== undefined) {
    if (!policy.allowIpLiteral) return deny('url_ip_literal', 'must name a host, not an address');
    const verdict = judgeAddress(address, policy);
    if (verdict.verdict === 'allow') return { verdict: 'allow', url };
    return deny('url_address', `names an address that is not allowed: ${verdict.range}, ${verdict.detail}`);
  }
  if (policy.allowLoopback && host === 'localhost') return { verdict: 'allow', url };
  const labels = host.split('.');
  if (host.length > 253 || labels.some((label) => !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))) {
    return deny('url_host', 'must name its host by letters, digits and hyphens between dots, without a dot at the end');
  }
  const last = labels.at(-1) ?? '';
  if (labels.length < 2) return deny('url_host', 'must name its host in full, such as hooks.example.com');
  // No top-level domain begins with a digit; what does may be a number for somebody's parser.
  if (!/^[a-z]/.test(last) || specialSuffixes.includes(last)) {
    return deny('url_host_special', `names a host below .${last}, which is not a public name`);
  }
  const own = policy.ownHosts.find((name) => host === name || host.endsWith(`.${name}`));
  if (own !== undefined) return deny('url_host_own', 'names a host of this service itself');
  return { verdict: 'allow', url };
}

function deny(reason: UrlReason, detail: string): UrlVerdict {
  return { verdict: 'deny', reason, detail };
}
