import type { Clock } from '@postrider/core';
import { createDestinationCap, type DestinationCap } from './destination-cap.ts';
import { byAddress, byDomain } from './destination-of.ts';
import { hashedRate, type SharedRate } from './shared-rate.ts';
import { createStoreCalls } from './store-calls.ts';
import type { DispatcherConfig } from './config.ts';
import type { DestinationEvents } from './destination-events.ts';

/** What the cap of destinations works with. */
export interface DestinationParts {
  readonly clock: Clock;
  readonly events: DestinationEvents;
  /** The address that a connection to a host would be made to. */
  readonly addressOf: (host: string) => Promise<string>;
  /** Null: there is nothing that processes share. */
  readonly rate: SharedRate | null;
  /** What sets one installation apart from others on the same store. */
  readonly scope: string;
}

/** The cap that the configuration asks for; null: none. */
export function openDestinations(
  { destinationRateMax: perSecond, destinationBy }: DispatcherConfig,
  { clock, events, addressOf, rate, scope }: DestinationParts,
): DestinationCap | null {
  if (perSecond === undefined) return null;
  const calls = createStoreCalls({ clock, leftAlone: events.sharedRateLeftAlone, back: events.sharedRateBack });
  return createDestinationCap({
    ...{ clock, perSecond },
    destinationOf: destinationBy === 'address' ? byAddress(clock, addressOf) : byDomain,
    shared: rate === null ? null : { rate: hashedRate(rate, scope), calls },
  });
}
