import { assertNoError } from './protocol-error.ts';
import type { Broker } from './internals.ts';
import type { KafkaClient } from './client.ts';

const coordinatorTypes = { group: 0, transaction: 1 } as const;
type CoordinatorType = keyof typeof coordinatorTypes;

/** What is needed of a client to find one. */
export type Finding = Pick<KafkaClient, 'anyBroker' | 'broker' | 'call' | 'refresh'>;

interface RawCoordinator {
  readonly errorCode: number;
  readonly coordinator: { readonly nodeId: number; readonly host: string; readonly port: number };
}

/** Where the coordinator of a group, or of a transactional id, listens. */
export async function coordinatorAddress(
  client: Finding,
  id: string,
  type: CoordinatorType = 'group',
): Promise<RawCoordinator['coordinator']> {
  const broker = await client.anyBroker();
  // kafkajs calls any of the ids so.
  const asked = { groupId: id, coordinatorType: coordinatorTypes[type] };
  const raw = await client.call<RawCoordinator>(broker, 'GroupCoordinator', asked);
  assertNoError(`finding the coordinator of ${id}`, raw.errorCode);
  return raw.coordinator;
}

/** The coordinator of a group, or of a transactional id, over the client's shared connection to it. */
export async function findCoordinator(client: Finding, id: string, type: CoordinatorType = 'group'): Promise<Broker> {
  return client.broker(await coordinatorNode(client, id, type));
}

/** The node that it is on, connected to over the client's shared connection. */
export async function coordinatorNode(client: Finding, id: string, type: CoordinatorType): Promise<number> {
  const { nodeId } = await coordinatorAddress(client, id, type);
  try {
    await client.broker(nodeId);
  } catch (error) {
    // The client may not know a broker that joined the cluster lately.
    await client.refresh([]);
    if (!(error instanceof Error)) throw error;
    await client.broker(nodeId);
  }
  return nodeId;
}
