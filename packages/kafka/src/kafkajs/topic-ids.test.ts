/** Asking for ids of topics over a connection that answers from a script. Observed: the ids, or the error. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { code } from './protocol-error.ts';
import { topicIds } from './topic-ids.ts';
import type { Broker } from './internals.ts';

const METADATA = 3;
const ID = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const NO_ID = Buffer.alloc(16);

interface Topic {
  readonly name: string;
  readonly id: Buffer;
  readonly errorCode: number;
}

/** A metadata answer of version 12 without brokers or partitions. */
function answer(topics: readonly Topic[]): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, topics.length + 1]);
  const each = topics.map(({ name, id, errorCode }) =>
    Buffer.concat([
      Buffer.from([0, errorCode, name.length + 1]),
      ...[Buffer.from(name), id, Buffer.from([0, 1, 0, 0, 0, 0, 0])],
    ]),
  );
  return Buffer.concat([head, ...each, Buffer.from([0])]);
}

function brokerThatSays(topics: readonly Topic[], maxVersion = 12): Broker {
  const connection = {
    clientId: 'test',
    authenticate: () => Promise.resolve(),
    failIfNotConnected: () => undefined,
    nextCorrelationId: () => 1,
    requestQueue: {
      push: ({ entry }: { entry: { resolve(answer: { payload: Buffer }): void } }) =>
        entry.resolve({ payload: answer(topics) }),
    },
  };
  const connectionPool = { getConnection: () => Promise.resolve(connection) };
  return { versions: { [METADATA]: { maxVersion } }, connectionPool } as unknown as Broker;
}

const ask = (...topics: Topic[]) =>
  topicIds(
    brokerThatSays(topics),
    topics.map(({ name }) => name),
  );

test('a topic that exists has its id, also while none of its partitions has a leader', async () => {
  const ids = await ask({ name: 'a', id: ID, errorCode: 0 }, { name: 'b', id: ID, errorCode: 5 });
  assert.deepEqual(
    [...ids],
    [
      ['a', ID.toString('hex')],
      ['b', ID.toString('hex')],
    ],
  );
});

test('a topic that was created before its cluster gave ids has none, and that is an answer', async () => {
  const ids = await ask({ name: 'old', id: NO_ID, errorCode: 0 }, { name: 'new', id: ID, errorCode: 0 });
  assert.deepEqual([...ids.keys()], ['new']);
});

test('a topic that does not exist has none; one of which the broker says something else is an error', async () => {
  const absent = { name: 'absent', id: NO_ID, errorCode: code.unknownTopicOrPartition };
  assert.deepEqual([...(await ask(absent))], []);
  await assert.rejects(ask({ name: 'secret', id: NO_ID, errorCode: code.topicAuthorizationFailed }), /secret.*29/);
});

test('a broker that is too old is not asked', async () => {
  assert.deepEqual([...(await topicIds(brokerThatSays([], 11), ['a']))], []);
});
