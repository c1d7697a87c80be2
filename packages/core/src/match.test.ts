import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Filter } from '@postrider/contract/postrider/v1/subscription';
import fc from 'fast-check';
import { isPostriderError } from './errors.ts';
import { createMatchIndex, parseTypePattern } from './match.ts';
import type { MatchableSubscription, MatchIndex } from './match.ts';

const sub = (subscriptionUid: string, endpointUid: string, ...eventTypes: string[]): MatchableSubscription => ({
  tenant: 'acme',
  subscriptionUid,
  endpointUid,
  eventTypes,
});

function matched(index: MatchIndex, tenant: string, type: string): Record<string, string[]> {
  const found = index.match(tenant, type);
  const byEndpoint = Object.fromEntries(
    found.map(({ endpointUid, subscriptionUids }) => [endpointUid, [...subscriptionUids].sort()]),
  );
  assert.equal(Object.keys(byEndpoint).length, found.length, 'each endpoint once');
  return byEndpoint;
}

/** Every subscription against every pattern, one after the other. */
function naive(all: Iterable<MatchableSubscription>, tenant: string, type: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const one of all) {
    const hit = one.eventTypes.some(
      (pattern) =>
        pattern === '*' || (pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern),
    );
    if (one.tenant === tenant && hit) (found[one.endpointUid] ??= []).push(one.subscriptionUid);
  }
  for (const uids of Object.values(found)) uids.sort();
  return found;
}

test('the index finds what walking over all subscriptions would find, whatever is added and removed', () => {
  const word = fc.constantFrom('a', 'b', '', 'ab');
  const type = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join('.'));
  const pattern = fc
    .oneof(
      type,
      type.map((text) => `${text}.*`),
      fc.constant('*'),
    )
    .filter((text) => typeof parseTypePattern(text) === 'object');
  const step = fc.record({
    uid: fc.constantFrom('sub_1', 'sub_2', 'sub_3', 'sub_4', 'sub_5'),
    tenant: fc.constantFrom('acme', 'other'),
    endpointUid: fc.constantFrom('ep_1', 'ep_2', 'ep_3'),
    eventTypes: fc.array(pattern, { minLength: 1, maxLength: 3 }),
    isRemoval: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.array(type, { minLength: 1, maxLength: 8 }), (steps, types) => {
      const index = createMatchIndex();
      const model = new Map<string, MatchableSubscription>();
      for (const { uid, isRemoval, ...rest } of steps) {
        if (isRemoval) assert.equal(index.remove(uid), model.delete(uid));
        else {
          index.add({ subscriptionUid: uid, ...rest });
          model.set(uid, { subscriptionUid: uid, ...rest });
        }
      }
      assert.equal(index.size, model.size);
      for (const tenant of ['acme', 'other', 'nobody']) {
        for (const one of types) assert.deepEqual(matched(index, tenant, one), naive(model.values(), tenant, one));
      }
    }),
    { numRuns: 500 },
  );
});

test('an event type is taken literally, also when it holds wildcard characters', () => {
  const index = createMatchIndex();
  index.add(sub('sub_1', 'ep_1', 'invoice.paid'));
  index.add(sub('sub_2', 'ep_2', 'invoice.*'));
  index.add(sub('sub_3', 'ep_3', '*'));
  assert.deepEqual(matched(index, 'acme', 'invoice.*'), { ep_2: ['sub_2'], ep_3: ['sub_3'] });
  assert.deepEqual(matched(index, 'acme', '*'), { ep_3: ['sub_3'] });
  assert.deepEqual(matched(index, 'acme', 'invoice'), { ep_3: ['sub_3'] });
  assert.deepEqual(matched(index, 'acme', 'invoices.paid'), { ep_3: ['sub_3'] });
});

test('an endpoint with several matching subscriptions is found once, with all of them', () => {
  const index = createMatchIndex();
  index.add(sub('sub_1', 'ep_1', '*', 'a.b', 'a.*'));
  index.add(sub('sub_2', 'ep_1', 'a.b'));
  assert.deepEqual(matched(index, 'acme', 'a.b'), { ep_1: ['sub_1', 'sub_2'] });
});

test('a tenant never sees the subscriptions of another', () => {
  const index = createMatchIndex();
  index.add({ ...sub('sub_1', 'ep_1', '*'), tenant: 'other' });
  assert.deepEqual(index.match('acme', 'a'), []);
  assert.deepEqual(index.match('__proto__', 'a'), []);
});

test('a filter that cannot be evaluated is refused, and the subscription matches nothing, neither new nor as it was', () => {
  const filters: Filter[] = [
    { dialect: { $case: 'cel', value: 'true' } },
    { dialect: { $case: 'exact', value: { values: { type: 'a' } } } },
    { dialect: undefined },
  ];
  for (const filter of filters) {
    const index = createMatchIndex();
    index.add(sub('sub_1', 'ep_1', '*'));
    assert.throws(
      () => index.add({ ...sub('sub_1', 'ep_1', '*'), filter }),
      (error) => isPostriderError(error, 'filter_unsupported') && error.message.includes('sub_1'),
    );
    assert.deepEqual(index.match('acme', 'a'), []);
    assert.equal(index.size, 0);
  }
});

test('a pattern that is none is refused, with its place in the list', () => {
  for (const bad of ['', 'a*', '*.a', 'a.*.b', '**', '.*', 'a.**', 'a\nb', '\ud800', 'x'.repeat(256)]) {
    assert.equal(typeof parseTypePattern(bad), 'string', JSON.stringify(bad));
    assert.throws(
      () => createMatchIndex().add(sub('sub_1', 'ep_1', 'a', bad)),
      (error) => isPostriderError(error, 'invalid_argument') && error.violations[0]?.field === 'event_types[1]',
    );
  }
  assert.throws(
    () => createMatchIndex().add(sub('sub_1', 'ep_1')),
    (error) => isPostriderError(error, 'invalid_argument') && error.violations[0]?.field === 'event_types',
  );
  assert.deepEqual(parseTypePattern('a.b.*'), { kind: 'prefix', prefix: 'a.b.' });
});
