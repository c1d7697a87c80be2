import type { Command } from 'commander';
import type { Duration } from '@postrider/contract/google/protobuf/duration';
import {
  type Endpoint,
  EndpointLimits,
  type OnExhausted,
  Ordering,
  SignatureScheme,
} from '@postrider/contract/postrider/v1/endpoint';
import { durationOf } from '@postrider/core';
import { addLabelOption, addLabelRemoval, labelChange, type LabelOptions } from '../label-options.ts';
import { egressPoolName } from '../names.ts';
import { isChange, pairsAfter, type PairChange } from '../pairs.ts';
import {
  collect,
  collectPairs,
  parseCount,
  parseDelays,
  parseDurationMs,
  parseOnExhausted,
  parseOrdering,
  parseRate,
  parseStatusRanges,
} from '../parse.ts';

/** The options that set an endpoint's fields, shared by `create` and `update`. */
export interface EndpointOptions extends LabelOptions {
  readonly url?: string;
  readonly displayName?: string;
  readonly header: Record<string, string>;
  readonly removeHeader?: readonly string[];
  readonly delays?: Duration[];
  readonly retrySpan?: number;
  readonly jitter?: number;
  readonly timeout?: number;
  readonly concurrency?: number;
  readonly bodyBytesMax?: number;
  readonly rate?: { readonly count: number; readonly periodMs: number };
  readonly success?: { first: number; last: number }[];
  readonly final?: { first: number; last: number }[];
  readonly ordering?: Pick<Ordering, 'mode' | 'key'>;
  readonly onExhausted?: OnExhausted;
  readonly egressPool?: string;
  readonly ed25519?: boolean;
}

/** Adds these options to a command. */
export function addEndpointOptions(command: Command): Command {
  return addLabelOption(command.option('--display-name <text>', 'name for people'))
    .option('--header <name=value>', 'header of every request; may be given several times', collectPairs, {})
    .option('--delays <list>', 'delays between attempts, for example 10s,1m,1h; "" for one attempt only', parseDelays)
    .option('--jitter <fraction>', 'lengthen each delay by up to this fraction, 0–1', Number)
    .option('--retry-span <duration>', 'how long a delivery is retried at most', parseDurationMs)
    .option('--timeout <duration>', 'total deadline of a request, 1s–30s', parseDurationMs)
    .option('--concurrency <n>', 'requests in flight at most', parseCount(1))
    .option('--body-bytes-max <n>', 'largest body; deliveries with a larger one are given up', parseCount(1))
    .option('--rate <n/period>', 'requests started at most, for example 100/1s', parseRate)
    .option('--success <statuses>', 'statuses that are a success, for example 200-299', parseStatusRanges)
    .option('--final <statuses>', 'statuses after which a delivery is given up at once', parseStatusRanges)
    .option(
      '--ordering <none|endpoint|key:…>',
      'keep order, for example key:subject or key:data.customer.id',
      parseOrdering,
    )
    .option(
      '--on-exhausted <skip|stop>',
      'what follows a delivery that is given up, when order is kept',
      parseOnExhausted,
    )
    .option('--egress-pool <name>', 'the egress pool that its requests leave from')
    .option('--ed25519', 'sign with ed25519 (v1a) instead of a shared secret');
}

/** Adds the options that take something away, for `update` alone. */
export function addRemovalOptions(command: Command): Command {
  return addLabelRemoval(command).option(
    '--remove-header <name>',
    'header to take away; may be given several times',
    collect,
    [],
  );
}

/** Whether the labels or headers after the change depend on those before. */
export function dependsOnBefore(options: EndpointOptions): boolean {
  return isChange(labelChange(options)) || isChange(headerChange(options));
}

const headerChange = ({ header, removeHeader = [] }: EndpointOptions): PairChange => ({
  ...{ what: 'header', set: header, remove: removeHeader },
});

/**
 * The endpoint's fields that the options set, and the paths of a field mask for just these.
 * @param before the labels and headers that the endpoint has
 */
export function endpointFields(
  options: EndpointOptions,
  before: Pick<Endpoint, 'labels' | 'headers'> = { labels: {}, headers: {} },
): { endpoint: Partial<Endpoint>; paths: string[] } {
  const endpoint: Partial<Endpoint> = {};
  const paths: string[] = [];
  const set = <Field extends keyof Endpoint>(path: string, field: Field, value: Endpoint[Field] | undefined) => {
    if (value === undefined) return;
    endpoint[field] = value;
    paths.push(path);
  };
  set('url', 'url', options.url);
  set('display_name', 'displayName', options.displayName);
  const [labels, headers] = [labelChange(options), headerChange(options)];
  if (isChange(labels)) set('labels', 'labels', pairsAfter(before.labels, labels));
  if (isChange(headers)) set('headers', 'headers', pairsAfter(before.headers, headers));
  set('egress_pool', 'egressPool', options.egressPool === undefined ? undefined : egressPoolName(options.egressPool));
  setRetryPolicy(options, endpoint, paths);
  setStatusPolicy(options, endpoint, paths);
  setOrdering(options, endpoint, paths);
  setLimits(options, endpoint, paths);
  if (options.ed25519 === true) set('signing', 'signing', { scheme: SignatureScheme.STANDARD_V1A });
  return { endpoint, paths };
}

/** Each part by itself: an update of one leaves the other as it is. */
function setOrdering({ ordering, onExhausted }: EndpointOptions, endpoint: Partial<Endpoint>, paths: string[]): void {
  if (ordering === undefined && onExhausted === undefined) return;
  endpoint.ordering = Ordering.fromPartial({ ...ordering, ...(onExhausted === undefined ? {} : { onExhausted }) });
  if (ordering !== undefined) paths.push('ordering.mode', 'ordering.key');
  if (onExhausted !== undefined) paths.push('ordering.on_exhausted');
}

/** Each part by itself, like order. */
function setRetryPolicy(options: EndpointOptions, endpoint: Partial<Endpoint>, paths: string[]): void {
  const { delays, jitter, retrySpan } = options;
  if (delays === undefined && jitter === undefined && retrySpan === undefined) return;
  endpoint.retryPolicy = {
    schedule: delays === undefined ? undefined : { $case: 'delays', value: { delays } },
    jitter,
    retrySpan: retrySpan === undefined ? undefined : durationOf(retrySpan),
  };
  if (delays !== undefined) paths.push('retry_policy.delays');
  if (jitter !== undefined) paths.push('retry_policy.jitter');
  if (retrySpan !== undefined) paths.push('retry_policy.retry_span');
}

/** Each part by itself, like order. */
function setStatusPolicy({ success, final }: EndpointOptions, endpoint: Partial<Endpoint>, paths: string[]): void {
  if (success === undefined && final === undefined) return;
  endpoint.statusPolicy = { success: success ?? [], final: final ?? [] };
  if (success !== undefined) paths.push('status_policy.success');
  if (final !== undefined) paths.push('status_policy.final');
}

/** Each part by itself, like order. */
function setLimits(options: EndpointOptions, endpoint: Partial<Endpoint>, paths: string[]): void {
  const { timeout, concurrency, bodyBytesMax, rate } = options;
  const limits: Partial<EndpointLimits> = {};
  const set = (path: string, part: Partial<EndpointLimits>): void => {
    Object.assign(limits, part);
    paths.push(`limits.${path}`);
  };
  if (timeout !== undefined) set('timeout', { timeout: durationOf(timeout) });
  if (concurrency !== undefined) set('concurrency_max', { concurrencyMax: concurrency });
  if (bodyBytesMax !== undefined) set('body_bytes_max', { bodyBytesMax });
  if (rate !== undefined) {
    set('rate_count', { rateCount: rate.count });
    set('rate_period', { ratePeriod: durationOf(rate.periodMs) });
  }
  if (Object.keys(limits).length > 0) endpoint.limits = EndpointLimits.fromPartial(limits);
}
