/** What is asked of whom. Doubles: the connections, which answer as brokers do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '../../testing/fake-clock.ts';
import { code } from './protocol-error.ts';
import { createTransactionRequests } from './transaction-requests.ts';
import type { Finding } from './coordinator.ts';
import type { Broker } from './internals.ts';

const identity = { producerId: 1, producerEpoch: 0 };
const where = [{ topic: 't', partition: 0 }];

/** Brokers of which one coordinates, and what they were asked, `api node`. */
function cluster() {
  const asked: string[] = [];
  const state = { coordinator: 1, down: new Set<number>() };
  const nodes = new Map([1, 2].map((node) => [{ node } as unknown as Broker, node]));
  const brokerOf = async (wanted: number): Promise<Broker> => {
    const [broker] = [...nodes].find(([, node]) => node === wanted && !state.down.has(node)) ?? [];
    if (broker === undefined) throw new Error(`node ${wanted} is down`);
    return broker;
  };
  const client: Finding = {
    anyBroker: () => brokerOf(2),
    broker: brokerOf,
    refresh: () => Promise.reject(new Error('not needed')),
    async call<T>(broker: Broker, api: string): Promise<T> {
      const node = nodes.get(broker) ?? -1;
      asked.push(`${api} ${node}`);
      const errorCode = api === 'GroupCoordinator' || node === state.coordinator ? code.none : NOT_COORDINATOR;
      const partitionErrors = [{ partition: 0, errorCode }];
      const coordinator = { nodeId: state.coordinator, host: '', port: 0 };
      return {
        errorCode,
        coordinator,
        errors: [{ topic: 't', partitionErrors }],
        producerId: '1',
        producerEpoch: 0,
      } as T;
    },
  };
  const requests = createTransactionRequests(client, 'id', createFakeClock());
  return { asked, state, requests };
}

const NOT_COORDINATOR = 16;

test('the coordinator is looked for once, and asked from then on', async () => {
  const { asked, requests } = cluster();
  await requests.begin(1_000);
  for (let n = 0; n < 2; n += 1) {
    await requests.add(identity, where);
    await requests.end(identity, true);
  }
  const transaction = ['AddPartitionsToTxn 1', 'EndTxn 1'];
  assert.deepEqual(asked, ['GroupCoordinator 2', 'InitProducerId 1', ...transaction, ...transaction]);
});

test('one that says that it is another one, or cannot be reached, is looked for again', async () => {
  const { asked, state, requests } = cluster();
  await requests.add(identity, where);
  state.coordinator = 2;
  await assert.rejects(requests.end(identity, true));
  await requests.end(identity, true);
  assert.deepEqual(asked.slice(-3), ['EndTxn 1', 'GroupCoordinator 2', 'EndTxn 2']);
  state.coordinator = 1;
  await assert.rejects(requests.add(identity, where));
  await requests.add(identity, where);
  state.down.add(1);
  await assert.rejects(requests.end(identity, true), /node 1 is down/);
  state.coordinator = 2;
  await requests.end(identity, true);
  assert.deepEqual(asked.slice(-2), ['GroupCoordinator 2', 'EndTxn 2']);
});
