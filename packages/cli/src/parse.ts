import { InvalidArgumentError } from 'commander';
import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import {
  OnExhausted,
  type Ordering,
  SignatureScheme,
  VerificationMode,
} from '@postrider/contract/postrider/v1/endpoint';
import { SubscriptionState } from '@postrider/contract/postrider/v1/subscription';
import { durationOf, plainEnum, roleNamed } from '@postrider/core';
import type { Role } from '@postrider/contract/postrider/v1/access';
import type { Duration } from '@postrider/contract/google/protobuf/duration';

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `250ms`, `5s`, `1m`, `2h`, `3d` → milliseconds. Throws commander's `InvalidArgumentError`. */
export function parseDurationMs(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  if (number === undefined || unit === undefined)
    throw new InvalidArgumentError(`"${text}" is no duration; write for example 250ms, 5s, 1m, 2h or 3d.`);
  return Math.round(Number(number) * (unitMs[unit] ?? 1));
}

/** Milliseconds → the shortest text that `parseDurationMs` reads as the same: `5m`, `90s`, `1500ms`. */
export function formatDurationMs(ms: number): string {
  const [unit, size] = Object.entries(unitMs).findLast(([, length]) => ms >= length && ms % length === 0) ?? ['ms', 1];
  return ms === 0 ? '0s' : `${ms / size}${unit}`;
}

/** A time as ISO 8601 writes it. */
export function parseTime(text: string): Date {
  const time = new Date(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError(`"${text}" is no time; write for example 2026-11-22 or 2026-11-22T08:00:00Z.`);
}

/** A duration for a timer of this process, which cannot wait longer than 24 days. */
export function parseWaitMs(text: string): number {
  const ms = parseDurationMs(text);
  if (ms <= 24 * 86_400_000) return ms;
  throw new InvalidArgumentError(`"${text}" is longer than 24d.`);
}

/** `10s,1m,1h` → durations; the empty text means no repetition. */
export function parseDelays(text: string): Duration[] {
  if (text.trim() === '') return [];
  return text.split(',').map((part) => durationOf(parseDurationMs(part)));
}

/** Collects `key=value` options into one record. */
export function collectPairs(text: string, before: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`"${text}" is not of the form name=value.`);
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Adds one more of an option that may be given several times. */
export function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** A whole number of at least `min` and, if that is given, at most `max`. */
export function parseCount(min: number, max?: number) {
  return (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isSafeInteger(value) && value >= min && value <= (max ?? value)) return value;
    const wanted = max === undefined ? `of at least ${min}` : `between ${min} and ${max}`;
    throw new InvalidArgumentError(`"${text}" is no whole number ${wanted}.`);
  };
}

/** `none`, `endpoint`, `key:<where>` → an endpoint's ordering, but for what happens behind a delivery that is given up. */
export function parseOrdering(text: string): Pick<Ordering, 'mode' | 'key'> {
  const [, word, key = ''] = /^(none|endpoint|key)(?::(.+))?$/s.exec(text.trim()) ?? [];
  if (word === 'none' && key === '') return { mode: OrderingMode.NONE, key };
  if (word === 'endpoint' && key === '') return { mode: OrderingMode.ENDPOINT, key };
  if (word === 'key' && key !== '') return { mode: OrderingMode.KEY, key };
  throw new InvalidArgumentError(`"${text}" is none of: none, endpoint, key:<attribute>, key:data.<path>.`);
}

/** `skip` or `stop`. */
export function parseOnExhausted(text: string): OnExhausted {
  if (text === 'skip') return OnExhausted.SKIP;
  if (text === 'stop') return OnExhausted.STOP;
  throw new InvalidArgumentError(`"${text}" is neither skip nor stop.`);
}

/** `none`, `cloudevents` or `challenge`. */
export function parseVerification(text: string): VerificationMode {
  const modes = [VerificationMode.NONE, VerificationMode.CLOUDEVENTS, VerificationMode.CHALLENGE];
  const mode = modes.find((one) => plainEnum(one, 'VERIFICATION_MODE') === text);
  if (mode !== undefined) return mode;
  throw new InvalidArgumentError(`"${text}" is none of: none, cloudevents, challenge.`);
}

/** `order.paid, invoice.*` → event types. */
export function parseTypes(text: string): string[] {
  return text.split(',').map((type) => type.trim());
}

/** `active` or `paused`. */
export function parseSubscriptionState(text: string): SubscriptionState {
  if (text === 'active') return SubscriptionState.ACTIVE;
  if (text === 'paused') return SubscriptionState.PAUSED;
  throw new InvalidArgumentError(`"${text}" is neither active nor paused.`);
}

/** `tenant-admin` and the like. */
export function parseRole(text: string): Role {
  const role = roleNamed(text);
  if (role !== undefined) return role;
  throw new InvalidArgumentError(
    `"${text}" is none of: admin, operator, tenant-admin, tenant-viewer, publisher, secret-reader.`,
  );
}

/** `standard-v1` or `standard-v1a`. */
export function parseScheme(text: string): SignatureScheme {
  const schemes = [SignatureScheme.STANDARD_V1, SignatureScheme.STANDARD_V1A];
  const scheme = schemes.find((one) => plainEnum(one, 'SIGNATURE_SCHEME') === text);
  if (scheme !== undefined) return scheme;
  throw new InvalidArgumentError(`"${text}" is neither standard-v1 nor standard-v1a.`);
}

/** `100/1s`: starts at most in a period. */
export function parseRate(text: string): { readonly count: number; readonly periodMs: number } {
  const [count = '', period, ...more] = text.split('/');
  if (period === undefined || more.length > 0)
    throw new InvalidArgumentError(`"${text}" is no rate; write for example 100/1s.`);
  return { count: parseCount(1)(count), periodMs: parseDurationMs(period) };
}

/** `200`, `200-299`, `200,204` → ranges of HTTP statuses. */
export function parseStatusRanges(text: string): { first: number; last: number }[] {
  return text.split(',').map((part) => {
    const [, first, last] = /^\s*(\d{3})(?:-(\d{3}))?\s*$/.exec(part) ?? [];
    if (first === undefined) throw new InvalidArgumentError(`"${part}" is no status or range such as 200 or 200-299.`);
    return { first: Number(first), last: Number(last ?? first) };
  });
}
