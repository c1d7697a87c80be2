import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMembership } from './membership.ts';
import type { KafkaClient } from './client.ts';
import type { Broker } from './internals.ts';

test('who leaves while the group has not answered its join says so over another connection', async () => {
  const called: { readonly api: string; readonly connection: number }[] = [];
  let connections = 0;
  const dialled = new Map<Broker, number>();
  const client: Pick<KafkaClient, 'anyBroker' | 'dial' | 'drop' | 'call'> = {
    anyBroker: async () => ({}) as Broker,
    async dial() {
      const broker = { isConnected: () => true } as Broker;
      dialled.set(broker, (connections += 1));
      return broker;
    },
    drop: () => undefined,
    async call<T>(broker: Broker, api: string): Promise<T> {
      if (api === 'GroupCoordinator') return { errorCode: 0, coordinator: { nodeId: 1, host: 'h', port: 1 } } as T;
      called.push({ api, connection: dialled.get(broker) ?? 0 });
      if (api === 'LeaveGroup') return { errorCode: 0 } as T;
      // The first join is refused with the id to come back with; the second waits for the other members.
      if (called.length === 1) return { errorCode: 79, memberId: 'm' } as T;
      return new Promise<T>(() => undefined);
    },
  };
  const membership = createMembership({
    client: client as KafkaClient,
    groupId: 'g',
    processId: 'p',
    topics: ['t'],
    sessionTimeoutMs: 30_000,
    monotonic: () => 0,
  });
  void membership.join([]);
  while (called.length < 2) await Promise.resolve();
  await membership.leave();
  assert.deepEqual(called, [
    { api: 'JoinGroup', connection: 1 },
    { api: 'JoinGroup', connection: 1 },
    { api: 'LeaveGroup', connection: 2 },
  ]);
});
