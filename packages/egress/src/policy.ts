import { domainToASCII } from 'node:url';
import { limits } from '@postrider/core';
import { parseAddress, parseCidr, type AddressExceptions, type Cidr } from './address.ts';

/** What an operator may set. Everything left out is the strict choice. */
export interface PolicyOptions {
  /** Plain `http` besides `https`. Default false. */
  readonly allowHttp?: boolean;
  /** URLs that name an address instead of a host. The address is judged like that of a name. Default true. */
  readonly allowIpLiteral?: boolean;
  /** `127.0.0.0/8`, `::1` and the name `localhost`, for a laptop. Default false. */
  readonly allowLoopback?: boolean;
  /** Ports a URL may name, or `any`. Default: the scheme's own, 443 (and 80 with `allowHttp`). */
  readonly ports?: readonly number[] | 'any';
  /** Bytes of a URL; at most, and by default, `limits.urlBytesMax`. */
  readonly maxUrlBytes?: number;
  /** Addresses a name may have; 1 to 256, default 32. A name with more is refused. */
  readonly maxAddresses?: number;
  /** Private ranges that hold real endpoints, such as `10.20.0.0/16`. Never opens loopback or metadata addresses. */
  readonly allowCidrs?: readonly string[];
  /** Public ranges that are the operator's own: load balancers, nodes, pods. */
  readonly denyCidrs?: readonly string[];
  /** The operator's own host names; they and all names below them are refused, so that no delivery feeds itself. */
  readonly ownHosts?: readonly string[];
  /** NAT64 prefixes of this network, each a /96. */
  readonly nat64Prefixes?: readonly string[];
}

/** A checked policy, ready to judge with. Made by `createPolicy`. */
export interface AddressPolicy extends AddressExceptions {
  readonly allowHttp: boolean;
  readonly allowIpLiteral: boolean;
  readonly ports: ReadonlySet<number> | 'any';
  readonly maxUrlBytes: number;
  readonly maxAddresses: number;
  readonly ownHosts: readonly string[];
}

const maxAddressesDefault = 32;
/** The most that `maxAddresses` may be. */
export const maxAddressesMost = 256;

/** Checks the options and makes the policy. Throws a `RangeError` that names the option and the value at fault. */
export function createPolicy(options: PolicyOptions = {}): AddressPolicy {
  const allowHttp = options.allowHttp ?? false;
  const nat64Prefixes = cidrs('nat64Prefixes', options.nat64Prefixes);
  for (const prefix of nat64Prefixes) {
    if (prefix.bytes.length !== 16 || prefix.bits !== 96)
      throw new RangeError('nat64Prefixes: each must be an IPv6 /96');
  }
  return Object.freeze({
    allowHttp,
    allowIpLiteral: options.allowIpLiteral ?? true,
    allowLoopback: options.allowLoopback ?? false,
    ports: portsOf(options.ports, allowHttp),
    maxUrlBytes: count('maxUrlBytes', options.maxUrlBytes ?? limits.urlBytesMax, limits.urlBytesMax),
    maxAddresses: count('maxAddresses', options.maxAddresses ?? maxAddressesDefault, maxAddressesMost),
    allowCidrs: cidrs('allowCidrs', options.allowCidrs),
    denyCidrs: cidrs('denyCidrs', options.denyCidrs),
    ownHosts: (options.ownHosts ?? []).map(hostOf),
    nat64Prefixes,
  });
}

/** Labels between dots. What is written otherwise (`*.acme.com`, a dot at the end) would be the host of no URL, ever. */
const hostName = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/** As `URL` spells it, so that it can be compared with the host of one. */
function hostOf(host: string): string {
  const ascii = /[\s/:@?#]/.test(host) ? '' : domainToASCII(host);
  if (!hostName.test(ascii)) throw new RangeError(`ownHosts: ${JSON.stringify(host)} is not a host name`);
  if (parseAddress(ascii) !== undefined)
    throw new RangeError(`ownHosts: ${JSON.stringify(host)} is an address; those belong into denyCidrs`);
  return ascii;
}

function portsOf(ports: PolicyOptions['ports'], allowHttp: boolean): ReadonlySet<number> | 'any' {
  if (ports === 'any') return 'any';
  if (ports?.length === 0) throw new RangeError('ports: must name at least one');
  for (const port of ports ?? []) count('ports', port, 65_535);
  return new Set(ports ?? (allowHttp ? [443, 80] : [443]));
}

function count(option: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new RangeError(`${option}: ${value} is not a whole number from 1 to ${most}`);
}

function cidrs(option: string, texts: readonly string[] = []): readonly Cidr[] {
  return texts.map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined)
      throw new RangeError(`${option}: ${JSON.stringify(text)} is not a range such as 10.20.0.0/16`);
    return cidr;
  });
}
