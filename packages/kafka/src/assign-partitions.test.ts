import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assignPartitions, previousShare } from './assign-partitions.ts';
import type { GroupCandidate } from './assign-partitions.ts';

const topics = ['a', 'b'];
const counts = new Map([
  ['a', 12],
  ['b', 12],
]);
const member = (memberId: string, owned: number[] = [], ownedSince = 0): GroupCandidate => ({
  memberId,
  topics,
  owned,
  ownedSince,
});
const given = (members: GroupCandidate[], partitionCounts = counts) => {
  const answer = assignPartitions(members, partitionCounts);
  return (memberId: string, topic = 'a') => [...(answer.get(memberId)?.get(topic) ?? [])];
};

test('every partition has exactly one owner, partition i of every topic the same, and shares differ by one at most', () => {
  const ownedLists = fc.array(fc.array(fc.nat(15), { maxLength: 12 }), { minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(ownedLists, fc.integer({ min: 1, max: 30 }), (owned, count) => {
      const members = owned.map((partitions, index) => member(`m${index}`, partitions, index));
      const of = given(members, new Map(topics.map((topic) => [topic, count])));
      const all = members.flatMap(({ memberId }) => of(memberId, 'a'));
      assert.deepEqual(
        all.toSorted((a, b) => a - b),
        Array.from({ length: count }, (_, index) => index),
      );
      const sizes = members.map(({ memberId }) => of(memberId).length);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
      for (const { memberId } of members) assert.deepEqual(of(memberId, 'a'), of(memberId, 'b'));
    }),
  );
});

test('a joiner takes only what makes shares even: the others keep the rest', () => {
  const of = given([member('m1', [0, 2, 4, 6, 8, 10], 1), member('m2', [1, 3, 5, 7, 9, 11], 1), member('m3')]);
  assert.deepEqual(of('m1'), [0, 2, 4, 6]);
  assert.deepEqual(of('m2'), [1, 3, 5, 7]);
  assert.deepEqual(of('m3'), [8, 9, 10, 11]);
});

test('when a member leaves, nobody else loses anything', () => {
  const of = given([member('m1', [0, 1, 2, 3], 1), member('m3', [8, 9, 10, 11], 1)]);
  for (const partition of [0, 1, 2, 3]) assert.ok(of('m1').includes(partition));
  for (const partition of [8, 9, 10, 11]) assert.ok(of('m3').includes(partition));
});

test('nothing moves when nothing changed', () => {
  const of = given([member('m1', [0, 3, 5, 7, 8, 11], 4), member('m2', [1, 2, 4, 6, 9, 10], 4)]);
  assert.deepEqual(of('m1'), [0, 3, 5, 7, 8, 11]);
});

test('of two that claim a partition, the later generation keeps it', () => {
  const of = given([member('m1', [0, 1, 2, 3, 4, 5], 1), member('m2', [0, 1, 2, 3, 4, 5], 2)]);
  assert.deepEqual(of('m2'), [0, 1, 2, 3, 4, 5]);
});

test('a topic that only some members read is shared among those', () => {
  const old: GroupCandidate = { memberId: 'old', topics: ['a'], owned: [], ownedSince: 0 };
  const of = given([old, member('new')]);
  assert.equal(of('new', 'b').length, 12);
  assert.equal(of('old', 'b').length, 0);
  assert.equal(of('old', 'a').length, 6);
});

test('topics of different sizes: the short one ends earlier, with the same owners', () => {
  const of = given(
    [member('m1'), member('m2')],
    new Map([
      ['a', 4],
      ['b', 8],
    ]),
  );
  for (const id of ['m1', 'm2'])
    assert.deepEqual(
      of(id, 'a'),
      of(id, 'b').filter((partition) => partition < 4),
    );
});

test('what another release says of its share in another way costs it its preference, and nobody the assignment', () => {
  const nothing = { owned: [], ownedSince: -1 };
  const said = ['', 'null', '7', '{}', '{"owned":{"1":true},"since":3}', '{"owned":["1"],"since":3}', '{"owned":[1]}'];
  for (const text of said) assert.deepEqual(previousShare(Buffer.from(text)), nothing, text);
  assert.deepEqual(previousShare(Buffer.from('{"owned":[1,4],"since":3}')), { owned: [1, 4], ownedSince: 3 });
});
