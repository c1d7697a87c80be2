import { parseCidr, type AddressExceptions, type Cidr } from './address.ts';

/** What an operator may set. Everything left out is the strict choice. */
export interface PolicyOptions {
  /** Plain `http` besides `https`. Default false. */
  readonly allowHttp?: boolean;
  /** `127.0.0.0/8`, `::1` and the name `localhost`, for a laptop. Default false. */
  readonly allowLoopback?: boolean;
  /** Ports a URL may name, or `any`. Default: the scheme's own, 443 (and 80 with `allowHttp`). */
  readonly ports?: readonly number[] | 'any';
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
  readonly ports: ReadonlySet<number> | 'any';
  readonly ownHosts: readonly string[];
}

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
    allowLoopback: options.allowLoopback ?? false,
    ports: portsOf(options.ports, allowHttp),
    allowCidrs: cidrs('allowCidrs', options.allowCidrs),
    denyCidrs: cidrs('denyCidrs', options.denyCidrs),
    ownHosts: (options.ownHosts ?? []).map((host) => host.toLowerCase()),
    nat64Prefixes,
  });
}

function portsOf(ports: PolicyOptions['ports'], allowHttp: boolean): ReadonlySet<number> | 'any' {
  if (ports === 'any') return 'any';
  for (const port of ports ?? []) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`ports: ${port} is not a TCP port`);
  }
  return new Set(ports ?? (allowHttp ? [443, 80] : [443]));
}

function cidrs(option: string, texts: readonly string[] = []): readonly Cidr[] {
  return texts.map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined)
      throw new RangeError(`${option}: ${JSON.stringify(text)} is not a range such as 10.20.0.0/16`);
    return cidr;
  });
}
