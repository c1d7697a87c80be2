import { configKey } from '@postrider/config-view';
import { encodeAddressesChanging, partitionOfKey } from '@postrider/core';
import { topicName } from '@postrider/kafka';
import { createPendingChanges } from '../pending-changes.ts';
import { serverLimits } from '../server-limits.ts';
import { parseAddressName } from './announced.ts';
import type { ConfigView } from '@postrider/config-view';
import type { EgressAddress } from '@postrider/contract/postrider/v1/egress';
import type { Clock } from '@postrider/core';
import type { KafkaPort } from '@postrider/kafka';
import type { Logger } from '@postrider/runtime';
import type { Change, ConfigWriter } from '../config-writer.ts';

export interface TellChangesOptions {
  readonly kafka: Pick<KafkaPort, 'producer' | 'admin'>;
  readonly view: Pick<ConfigView, 'snapshot' | 'onChange'>;
  readonly writer: Pick<ConfigWriter, 'change'>;
  readonly topicPrefix: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const ACTOR = 'postrider/operations';

/**
 * Tells on `operations` of every announcement and retirement of a source address. That one was told is noted beside the
 * address once Kafka has acknowledged it, so whatever a leader before has left untold is told now; copies have one id.
 */
export async function tellAddressChanges(options: TellChangesOptions): Promise<AsyncDisposable> {
  const { kafka, view, clock, log } = options;
  await using stack = new AsyncDisposableStack();
  const topic = topicName(options.topicPrefix, 'operations');
  const partitions = (await kafka.admin.offsets(topic)).length;
  const noted = stack.use(createPendingChanges({ ...options, actor: ACTOR }));
  const producer = stack.use(kafka.producer({ name: 'address-changes' }));
  const underWay = new Set<string>();
  let closed = false;
  let cancel = (): void => {};

  function tellAll(): void {
    for (const { address, toldRevision } of view.snapshot().egressAddresses()) {
      if (address !== undefined && address.revision !== toldRevision) tell(address);
    }
  }

  function tell(address: EgressAddress): void {
    const id = parseAddressName(address.name)?.id ?? '';
    const occasion = `${id} ${address.revision}`;
    if (underWay.has(occasion)) return;
    underWay.add(occasion);
    const event = encodeAddressesChanging(address);
    const partition = partitionOfKey(event.key.toString(), partitions);
    producer.enqueue({ topic, partition, ...event }, (error) => {
      if (error === null) return noted.want(`told ${id}`, (change) => noteTold(change, id, address.revision));
      underWay.delete(occasion);
      if (closed) return;
      log.warn({ error, address: address.name }, 'a change of source addresses could not be told; trying again soon');
      cancel();
      cancel = clock.after(serverLimits.restateAgainMs, tellAll);
    });
  }

  stack.defer(() => {
    closed = true;
    cancel();
  });
  stack.defer(
    view.onChange((changes) => {
      if (changes.some(({ kind }) => kind === 'egress-address')) tellAll();
    }),
  );
  tellAll();
  return stack.move();
}

function noteTold({ snapshot, put }: Change, id: string, revision: string): void {
  const config = snapshot.egressAddress(id);
  if (config?.address?.revision !== revision || config.toldRevision === revision) return;
  put(configKey('egress-address', id), () => ({
    $case: 'egressAddress',
    value: { ...config, toldRevision: revision },
  }));
}
