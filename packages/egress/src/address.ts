/**
 * Which IP addresses a request to a tenant's endpoint may be sent to. Pure; knows nothing of names.
 *
 * An address is judged by its bytes, never by its spelling, and by what is allowed rather than by what is forbidden:
 * IPv4 unicast outside the IANA special-purpose registry, and IPv6 inside `2000::/3` outside the special ranges there.
 * So every way of writing an IPv4 address inside an IPv6 one (mapped, compatible, translated, 6to4, Teredo, NAT64) falls
 * without being named.
 */

/** The bytes of an address: 4 for IPv4, 16 for IPv6. */
export type AddressBytes = Uint8Array;

/** The addresses that share their first `bits` bits with `bytes`. */
export interface Cidr {
  readonly bytes: AddressBytes;
  readonly bits: number;
}

export type AddressVerdict =
  | { readonly verdict: 'allow' }
  | { readonly verdict: 'deny'; readonly range: string; readonly detail: string };

/** What an operator opens on purpose. */
export interface AddressExceptions {
  /** Private ranges that hold real endpoints. They never open loopback, link-local or metadata addresses. */
  readonly allowCidrs: readonly Cidr[];
  /** Public ranges that are the operator's own and must not be reached. */
  readonly denyCidrs: readonly Cidr[];
  /** `127.0.0.0/8` and `::1`, for a laptop. */
  readonly allowLoopback: boolean;
  /** NAT64 prefixes (/96) of this network: an address in one is judged by the IPv4 address it embeds. */
  readonly nat64Prefixes: readonly Cidr[];
}

/**
 * Parses the strict spellings: dotted IPv4 with four decimal parts and no leading zeros, RFC 4291 IPv6 without zone.
 * `undefined` for anything else, so a spelling that another parser may read differently is no address at all.
 */
export function parseAddress(text: string): AddressBytes | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): AddressBytes | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [index, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[index] = Number(part);
  }
  return bytes;
}

function parseIpv6(text: string): AddressBytes | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const bytes = new Uint8Array(16);
  for (const [index, group] of [...head, ...Array<number>(missing).fill(0), ...tail].entries()) {
    bytes[index * 2] = group >> 8;
    bytes[index * 2 + 1] = group & 255;
  }
  return bytes;
}

/** The 16-bit groups of one side of `::`; the last two may be written as an IPv4 address at the end of the text. */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const embedded = isEnd && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (embedded === undefined) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = embedded;
    groups.push((a << 8) | b, (c << 8) | d);
  }
  return groups;
}

/**
 * The least that one receiver is given: an IPv4 address, also where it is written as a mapped one (`::ffff:192.0.2.7`), or the
 * /64 of an IPv6 address, in which a machine may take any address it likes. Null: the text is no address.
 */
export function receiverBlock(text: string): string | null {
  const bytes = parseAddress(text);
  if (bytes === undefined) return null;
  if (bytes.length === 4) return text;
  if (inCidr(bytes, mapped)) return bytes.subarray(12).join('.');
  const groups = [0, 2, 4, 6].map((at) => (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16));
  return `${groups.join(':')}::/64`;
}

/** RFC 4291, 2.5.5.2: how a listener on all IPv6 addresses is told of IPv4 clients. */
const mapped: Cidr = { bytes: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0), bits: 96 };

/** Parses `address/bits`. Bits set behind the prefix are refused: they are nearly always a typing error. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^(.+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const bytes = parseAddress(match?.[1] ?? '');
  const bits = Number(match?.[2]);
  if (bytes === undefined || bits > bytes.length * 8) return undefined;
  for (let bit = bits; bit < bytes.length * 8; bit++) if (bitOf(bytes, bit)) return undefined;
  return { bytes, bits };
}

function bitOf(bytes: AddressBytes, bit: number): number {
  return ((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1;
}

/** Whether `bytes` lies in the range. An IPv4 range never holds an IPv6 address, not even a mapped one. */
export function inCidr(bytes: AddressBytes, cidr: Cidr): boolean {
  if (bytes.length !== cidr.bytes.length) return false;
  const whole = cidr.bits >> 3;
  for (let index = 0; index < whole; index++) if (bytes[index] !== cidr.bytes[index]) return false;
  const rest = cidr.bits & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((bytes[whole] ?? 0) & mask) === ((cidr.bytes[whole] ?? 0) & mask);
}

interface SpecialRange extends Cidr {
  readonly text: string;
  readonly what: string;
}

function ranges(table: Readonly<Record<string, string>>): SpecialRange[] {
  return Object.entries(table).map(([text, what]) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) throw new Error(`${text} is no range`);
    return { ...cidr, text, what };
  });
}

/** Opened by `allowLoopback` only. */
const loopback = ranges({ '127.0.0.0/8': 'loopback (RFC 1122)', '::1/128': 'loopback (RFC 4291)' });

/** Never opened, whatever an operator allows: no endpoint lives there, but credentials do. */
const neverOpen = ranges({
  '0.0.0.0/8': 'this network (RFC 791); Linux takes 0.0.0.0 for loopback',
  '169.254.0.0/16': 'link-local (RFC 3927), home of cloud metadata',
  '168.63.129.16/32': 'Azure platform address',
  '100.100.100.200/32': 'Alibaba Cloud metadata',
  '192.0.0.192/32': 'Oracle Cloud metadata',
  '224.0.0.0/4': 'multicast (RFC 5771)',
  '240.0.0.0/4': 'reserved and broadcast (RFC 1112)',
  '::/8': 'unspecified, mapped, compatible and translated addresses (RFC 4291, RFC 2765)',
  'fd00:ec2::/32': 'AWS metadata',
  'fd20:ce::254/128': 'Google Cloud metadata',
  'fe80::/10': 'link-local (RFC 4291)',
  'ff00::/8': 'multicast (RFC 4291)',
});

/** The rest of the IANA special-purpose registries, as of 2026; an operator may open parts of these. */
const special = ranges({
  '10.0.0.0/8': 'private (RFC 1918)',
  '100.64.0.0/10': 'shared address space (RFC 6598)',
  '172.16.0.0/12': 'private (RFC 1918)',
  '192.0.0.0/24': 'IETF protocol assignments (RFC 6890)',
  '192.0.2.0/24': 'documentation (RFC 5737)',
  '192.31.196.0/24': 'AS112 (RFC 7535)',
  '192.52.193.0/24': 'AMT (RFC 7450)',
  '192.88.99.0/24': 'former 6to4 relay (RFC 7526)',
  '192.168.0.0/16': 'private (RFC 1918)',
  '192.175.48.0/24': 'AS112 (RFC 7534)',
  '198.18.0.0/15': 'benchmarking (RFC 2544)',
  '198.51.100.0/24': 'documentation (RFC 5737)',
  '203.0.113.0/24': 'documentation (RFC 5737)',
  '2001::/23': 'IETF protocol assignments, Teredo among them (RFC 2928)',
  '2001:db8::/32': 'documentation (RFC 3849)',
  '2002::/16': '6to4 (RFC 3056)',
  '2620:4f:8000::/48': 'AS112 (RFC 7534)',
  '3fff::/20': 'documentation (RFC 9637)',
});

const globalUnicast = ranges({ '2000::/3': 'global unicast (RFC 4291)' });

const allow: AddressVerdict = { verdict: 'allow' };

/** Judges the bytes of an address, as `parseAddress` gives them. */
export function judgeAddress(bytes: AddressBytes, exceptions: AddressExceptions): AddressVerdict {
  const local = findRange(bytes, loopback);
  if (local !== undefined) return exceptions.allowLoopback ? allow : deny(local);
  if (exceptions.nat64Prefixes.some((prefix) => inCidr(bytes, prefix))) {
    const embedded = bytes.subarray(12);
    // Loopback is this machine's own and is never meant behind a translator.
    return judgeAddress(embedded, { ...exceptions, allowLoopback: false, nat64Prefixes: [] });
  }
  const never = findRange(bytes, neverOpen);
  if (never !== undefined) return deny(never);
  if (exceptions.denyCidrs.some((cidr) => inCidr(bytes, cidr))) {
    return {
      verdict: 'deny',
      range: 'denied by the operator',
      detail: 'a range of the operator that must not be reached',
    };
  }
  if (exceptions.allowCidrs.some((cidr) => inCidr(bytes, cidr))) return allow;
  const listed = findRange(bytes, special);
  if (listed !== undefined) return deny(listed);
  if (bytes.length === 16 && findRange(bytes, globalUnicast) === undefined) {
    return { verdict: 'deny', range: 'outside 2000::/3', detail: 'not global unicast (RFC 4291)' };
  }
  return allow;
}

function findRange(bytes: AddressBytes, table: readonly SpecialRange[]): SpecialRange | undefined {
  return table.find((range) => inCidr(bytes, range));
}

function deny(range: SpecialRange): AddressVerdict {
  return { verdict: 'deny', range: range.text, detail: range.what };
}
