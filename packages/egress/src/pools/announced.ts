import { mayLeaveFrom, type AddressTimes } from '@postrider/core';
import { inCidr, parseAddress, parseCidr, type AddressBytes, type Cidr } from '../address.ts';

/** A range of source addresses that receivers have been told of, and when it may be used. */
export interface AnnouncedRange extends AddressTimes {
  readonly range: Cidr;
}

/** What was announced for a pool. */
export type AnnouncedRanges = readonly AnnouncedRange[];

/**
 * Why nothing may leave from `source` now, as far as receivers have been told; null: it may. Where nothing was ever announced
 * for a pool, what is declared for it counts alone.
 * @param source the address that receivers see; undefined: it is not known, and some address must be announced for now
 */
export function withheldBecause(announced: AnnouncedRanges, source: string | undefined, now: number): string | null {
  if (announced.length === 0) return null;
  const bytes = source === undefined ? undefined : parseAddress(source);
  const covering = bytes === undefined ? announced : announced.filter(({ range }) => inCidr(bytes, range));
  if (covering.some((one) => mayLeaveFrom(one, now))) return null;
  if (bytes === undefined) return 'none of its announced addresses is in use now';
  if (covering.length === 0) return 'is not announced to receivers';
  const next = covering.find(({ effectiveTime }) => effectiveTime !== undefined && effectiveTime.getTime() > now);
  return next === undefined ? 'is retired' : `is announced for ${next.effectiveTime?.toISOString()} and not before`;
}

/** An address or range as it is announced. */
export interface SourceRange {
  /** Canonical CIDR notation. */
  readonly cidr: string;
  /** The last part of its resource name. */
  readonly id: string;
  readonly range: Cidr;
}

/** Reads `192.0.2.7`, `192.0.2.0/28`, `2001:db8::/48`; undefined for anything else, bits behind the prefix included. */
export function parseSourceRange(text: string): SourceRange | undefined {
  const bytes = parseAddress(text);
  const range = bytes === undefined ? parseCidr(text) : { bytes, bits: bytes.length * 8 };
  if (range === undefined) return undefined;
  const address = textOfAddress(range.bytes);
  const length = range.bits === range.bytes.length * 8 ? '' : `_${range.bits}`;
  return { cidr: `${address}/${range.bits}`, id: `${address.replaceAll(':', '-')}${length}`, range };
}

/** Whether two ranges have an address in common. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.bits < b.bits ? inCidr(b.bytes, a) : inCidr(a.bytes, b);
}

/** The one spelling of an address: RFC 5952 for IPv6. */
function textOfAddress(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
