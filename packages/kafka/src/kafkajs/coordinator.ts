import { assertNoError } from './protocol-error.ts';
import type { Broker } from './internals.ts';
import type { KafkaClient } from './client.ts';

const GROUP = 0;

interface RawCoordinator {
  readonly errorCode: number;
  readonly coordinator: { readonly nodeId: number; readonly host: string; readonly port: number };
}

/** Where the group's coordinator listens. */
export async function coordinatorAddress(client: KafkaClient, groupId: string): Promise<RawCoordinator['coordinator']> {
  const broker = await client.anyBroker();
  const raw = await client.call<RawCoordinator>(broker, 'GroupCoordinator', { groupId, coordinatorType: GROUP });
  assertNoError(`finding the coordinator of ${groupId}`, raw.errorCode);
  return raw.coordinator;
}

/** The group's coordinator, over the client's shared connection to it. */
export async function findCoordinator(client: KafkaClient, groupId: string): Promise<Broker> {
  const { nodeId } = await coordinatorAddress(client, groupId);
  try {
    return await client.broker(nodeId);
  } catch (error) {
    // The client may not know a broker that joined the cluster lately.
    await client.refresh([]);
    if (error instanceof Error) return client.broker(nodeId);
    throw error;
  }
}
