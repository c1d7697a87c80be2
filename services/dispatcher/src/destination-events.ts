import type { Logger } from '@postrider/runtime';

/** What happens around the rate of destinations that processes share. */
export interface DestinationEvents {
  /** The store has failed too often in a row: each process has its own part for a while. */
  sharedRateLeftAlone(error: Error): void;
  sharedRateBack(): void;
}

/** Events that go to a log. */
export function destinationEvents(log: Logger): DestinationEvents {
  return {
    sharedRateLeftAlone: (error) =>
      log.warn({ error }, 'Redis does not share the rate of destinations: each dispatcher has its own part of it'),
    sharedRateBack: () => log.info({}, 'the rate of destinations is shared again'),
  };
}
