import type { JsonObject } from '@bufbuild/protobuf';
import { endpointWith, subscriptionWith, type BadInput } from './bad-input.ts';

const limitsWith = (what: string, limits: JsonObject, part: string): BadInput =>
  endpointWith(what, { limits }, `endpoint.limits.${part}`);
const retriesWith = (what: string, retry_policy: JsonObject, ...parts: readonly string[]): BadInput => ({
  ...endpointWith(`a retry policy with ${what}`, { retry_policy }, ''),
  fields: parts.map((part) => `endpoint.retry_policy.${part}`),
});
const exponential = (changes: JsonObject): JsonObject => ({
  exponential: { base: '1s', factor: 2, cap: '3600s', attempts: 20, ...changes },
});
const statuses = (what: string, status_policy: JsonObject, part: string): BadInput =>
  endpointWith(`statuses: ${what}`, { status_policy }, `endpoint.status_policy.${part}`);
const ordered = (what: string, ordering: JsonObject, part: string): BadInput =>
  endpointWith(`an order ${what}`, { ordering }, `endpoint.ordering.${part}`);
const KEY = 'ORDERING_MODE_KEY';

/** How often, how fast, how long, in which order. */
export const badPolicies: readonly BadInput[] = [
  retriesWith('no attempt', exponential({ attempts: 0 }), 'exponential.attempts'),
  retriesWith('1,001 attempts', exponential({ attempts: 1_001 }), 'exponential.attempts'),
  retriesWith('a thousand million attempts', exponential({ attempts: 1e9 }), 'exponential.attempts'),
  retriesWith(
    'as many attempts as there are numbers',
    exponential({ attempts: 4_294_967_295 }),
    'exponential.attempts',
  ),
  retriesWith('no base', exponential({ base: null }), 'exponential.base'),
  retriesWith('a base of nothing', exponential({ base: '0s' }), 'exponential.base'),
  retriesWith('a negative base', exponential({ base: '-1s' }), 'exponential.base'),
  retriesWith(
    'a base and a cap of 15 days',
    exponential({ base: '1296000s', cap: '1296000s' }),
    'exponential.base',
    'exponential.cap',
  ),
  retriesWith('no cap', exponential({ cap: null }), 'exponential.cap'),
  retriesWith('a cap below the base', exponential({ cap: '0.999s' }), 'exponential.cap'),
  retriesWith('a factor of 0', exponential({ factor: 0 }), 'exponential.factor'),
  retriesWith('a factor below 1', exponential({ factor: 0.999 }), 'exponential.factor'),
  retriesWith('a negative factor', exponential({ factor: -2 }), 'exponential.factor'),
  retriesWith('a factor that is no number', exponential({ factor: 'NaN' }), 'exponential.factor'),
  retriesWith('a factor without end', exponential({ factor: 'Infinity' }), 'exponential.factor'),
  retriesWith('a factor of 1e308', exponential({ factor: 1e308 }), 'exponential.factor'),
  retriesWith('growing delays of more than 14 days', exponential({ cap: '86400s', attempts: 100 }), 'exponential'),
  retriesWith('a negative delay', { delays: { delays: ['-1s'] } }, 'delays.delays[0]'),
  retriesWith('a delay of less than nothing', { delays: { delays: ['-0.000000001s'] } }, 'delays.delays[0]'),
  retriesWith('a delay of 15 days', { delays: { delays: ['1296000s'] } }, 'delays.delays[0]'),
  retriesWith('a delay of 10,000 years', { delays: { delays: ['315576000000s'] } }, 'delays.delays[0]'),
  retriesWith('delays of 15 days in all', { delays: { delays: ['604800s', '691200s'] } }, 'delays'),
  retriesWith('delays that become shorter', { delays: { delays: ['1s', '30s', '2s'] } }, 'delays.delays[2]'),
  retriesWith('101 delays', { delays: { delays: Array.from({ length: 101 }, () => '1s') } }, 'delays'),
  retriesWith('a jitter below 0', { jitter: -0.01 }, 'jitter'),
  retriesWith('a jitter above 1', { jitter: 1.01 }, 'jitter'),
  retriesWith('a jitter that is no number', { jitter: 'NaN' }, 'jitter'),
  retriesWith('a jitter without end', { jitter: '-Infinity' }, 'jitter'),
  retriesWith('no span', { retry_span: '0s' }, 'retry_span'),
  retriesWith('a span of less than a second', { retry_span: '0.999s' }, 'retry_span'),
  retriesWith('a negative span', { retry_span: '-3600s' }, 'retry_span'),
  retriesWith('a span of 14 days and a second', { retry_span: '1209601s' }, 'retry_span'),
  limitsWith('a deadline of nothing', { timeout: '0s' }, 'timeout'),
  limitsWith('a deadline of less than a second', { timeout: '0.999s' }, 'timeout'),
  limitsWith('a negative deadline', { timeout: '-15s' }, 'timeout'),
  limitsWith('a deadline of 31 seconds', { timeout: '31s' }, 'timeout'),
  limitsWith('257 requests at once', { concurrency_max: 257 }, 'concurrency_max'),
  limitsWith('as many requests at once as there are numbers', { concurrency_max: 4_294_967_295 }, 'concurrency_max'),
  limitsWith('bodies of 1 MiB and a byte', { body_bytes_max: 1_048_577 }, 'body_bytes_max'),
  limitsWith('a rate of no requests', { rate_period: '1s' }, 'rate_count'),
  limitsWith('a rate in no time', { rate_count: 1, rate_period: '0s' }, 'rate_period'),
  limitsWith('a rate in less than a second', { rate_count: 1, rate_period: '0.5s' }, 'rate_period'),
  limitsWith('a rate in more than an hour', { rate_count: 1, rate_period: '3601s' }, 'rate_period'),
  statuses('99', { success: [{ first: 99 }] }, 'success[0]'),
  statuses('0', { success: [{ first: 0 }] }, 'success[0]'),
  statuses('600', { final: [{ first: 400, last: 600 }] }, 'final[0]'),
  statuses('the last before the first', { success: [{ first: 299, last: 200 }] }, 'success[0]'),
  statuses('gone, as a success', { success: [{ first: 400, last: 499 }] }, 'success'),
  statuses(
    'the same as success and as final',
    { success: [{ first: 200, last: 404 }], final: [{ first: 404 }] },
    'final',
  ),
  statuses('65 ranges', { final: Array.from({ length: 65 }, () => ({ first: 404 })) }, 'final'),
  ordered('by a key that is not named', { mode: KEY }, 'key'),
  ordered('without keys that names one', { mode: 'ORDERING_MODE_ENDPOINT', key: 'subject' }, 'key'),
  ordered('of nothing, with a key', { key: 'subject' }, 'key'),
  ordered('by __proto__', { mode: KEY, key: 'data.__proto__.x' }, 'key'),
  ordered('by constructor.prototype', { mode: KEY, key: 'data.constructor.prototype' }, 'key'),
  ordered('by a path of 17 members', { mode: KEY, key: `data${'.a'.repeat(17)}` }, 'key'),
  ordered('by a key of 256 bytes', { mode: KEY, key: `data.${'x'.repeat(251)}` }, 'key'),
  ordered('by an empty member', { mode: KEY, key: 'data..x' }, 'key'),
  ordered('by no attribute', { mode: KEY, key: 'no such' }, 'key'),
  ordered('that stops though there is none', { on_exhausted: 'ON_EXHAUSTED_STOP' }, 'on_exhausted'),
];

const deep = (depth: number): JsonObject =>
  depth === 0 ? { exact: { values: { type: 'a' } } } : { not: deep(depth - 1) };
const filtered = (what: string, filter: JsonObject, field = 'subscription.filter'): BadInput =>
  subscriptionWith(`a filter: ${what}`, { filter }, field);
const one = { exact: { values: { type: 'a' } } };

/** What a subscription wants. No dialect of filters is obeyed yet, so none is taken. */
export const badFilters: readonly BadInput[] = [
  filtered('empty', {}),
  filtered('exact', one),
  filtered('exact, of nothing', { exact: { values: {} } }),
  filtered('prefix', { prefix: { values: { type: '' } } }),
  filtered('suffix', { suffix: { values: { source: 'x' } } }),
  filtered('any of nothing, which is never true', { any: { filters: [] } }),
  filtered('all of nothing', { all: { filters: [] } }),
  filtered('not', { not: one }),
  filtered('an expression', { cel: 'true' }),
  filtered('an expression that takes for ever', { cel: '"aaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("(a+)+$")' }),
  filtered('an attribute named __proto__', { exact: { values: { __proto__x: 'a', ['__proto__']: 'a' } } }),
  filtered('10,000 terms', { any: { filters: Array.from({ length: 10_000 }, () => one) } }),
  filtered('half a million characters', { cel: 'a'.repeat(500_000) }),
  filtered('65 deep', deep(65), `subscription.filter${'.not'.repeat(31)}`),
  ...['', '**', 'a*', '*.a', 'a.*.b', '.*', 'a..*x', 'with space', 'ümlaut', 'a\u0000b', 'x'.repeat(256), 'a\nb'].map(
    (type) =>
      subscriptionWith(
        `the event type ${JSON.stringify(type.slice(0, 20))}`,
        { event_types: [type] },
        'subscription.event_types[0]',
      ),
  ),
  subscriptionWith('no event type', { event_types: [] }, 'subscription.event_types'),
  subscriptionWith(
    '101 event types',
    { event_types: Array.from({ length: 101 }, (_, at) => `t${at}`) },
    'subscription.event_types',
  ),
  subscriptionWith('an event type twice', { event_types: ['a', 'a'] }, 'subscription.event_types[1]'),
];
