import { OrderingMode, type OrderingState } from '@postrider/contract/postrider/v1/delivery';
import { compileOrderingKey, type KeyedEvent, type OrderingKey } from '@postrider/core';
import type { Ordering } from '@postrider/contract/postrider/v1/endpoint';

/** A configuration that was read becomes a new object, so an object is read once for all events. */
const keys = new WeakMap<Ordering, OrderingKey>();

/** What a delivery's header says of its order; undefined when its endpoint asks for none. The dispatcher gives the place. */
export function orderingOf(ordering: Ordering | undefined, event: KeyedEvent): OrderingState | undefined {
  switch (ordering?.mode) {
    case undefined:
    case OrderingMode.UNSPECIFIED:
    case OrderingMode.NONE:
      return undefined;
    case OrderingMode.KEY: {
      let key = keys.get(ordering);
      if (key === undefined) keys.set(ordering, (key = compileOrderingKey(ordering.key)));
      return { ...wholeEndpoint, mode: OrderingMode.KEY, keyHash: key(event) };
    }
    case OrderingMode.ENDPOINT:
    // What this version does not understand is kept in the strictest order that there is.
    case OrderingMode.UNRECOGNIZED:
      return wholeEndpoint;
  }
}

/** The strictest order: also that of an endpoint whose configuration only a newer version can read. */
export const wholeEndpoint: OrderingState = { mode: OrderingMode.ENDPOINT, keyHash: 0n, seq: 0n };
