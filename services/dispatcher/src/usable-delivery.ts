import { boundsBroken, moveDelivery, partitionOf, readDelivery, type DeliveryView } from '@postrider/core';
import { DELIVERY_HEADER } from '@postrider/kafka';
import type { DispatcherEvents } from './events.ts';
import type { Layout } from '@postrider/contract/postrider/v1/config';

/** The delivery that a header tells of, within bounds, or why it cannot be used. */
export type Usable = (header: Buffer | undefined) => DeliveryView | string;

/** Where a record stands, to judge whether what it says can be. */
export interface Standing {
  readonly partition: number;
  readonly layout: Layout | null;
  /** ms since the Unix epoch. */
  readonly now: number;
}

/**
 * The delivery that a header tells of, within bounds, or why it cannot be used. Whoever can write to a topic of ours can
 * write anything: what is read is never trusted further than it must be.
 */
export function usableDelivery(
  bytes: Buffer | undefined,
  { partition, layout, now }: Standing,
  events: Pick<DispatcherEvents, 'outOfBounds'>,
): DeliveryView | string {
  const view = readable(bytes);
  if (typeof view === 'string') return view;
  if (isForeign(view, partition, layout)) return `its endpoint ${view.endpointId} is not of partition ${partition}`;
  const changes = boundsBroken(view, now);
  if (changes === null) return view;
  events.outOfBounds(view, Object.keys(changes));
  return readDelivery(moveDelivery(view.header, changes));
}

/** The delivery that a header tells of, or why it cannot be read. */
function readable(bytes: Buffer | undefined): DeliveryView | string {
  if (bytes === undefined) return `the record has no header ${DELIVERY_HEADER}`;
  try {
    return readDelivery(bytes);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Another partition's: its owner alone knows what else is under way for the endpoint. Of another layout nothing is known. */
function isForeign({ endpointId, layoutGeneration }: DeliveryView, partition: number, layout: Layout | null): boolean {
  if (layout === null || layout.generation === 0 || layoutGeneration !== layout.generation) return false;
  return partitionOf(endpointId, layout.partitions) !== partition;
}
