import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { plainEnum, type Clock } from '@postrider/core';
import type { Labels, Metrics } from '@postrider/runtime';
import type { LaneSurvey } from './lane-survey.ts';

const kinds = ['live', 'retry', 'bulk'] as const;
const gates = ['open', 'failing', 'config', 'way-out', 'paused', 'disabled', 'cancel'] as const;
const reasons = Object.values(WaitReason).filter((one) => !/_UNSPECIFIED$|_GUARD$|^UNRECOGNIZED$/.test(one));

/** What an operator wants to see of all lanes together. What is not there is 0, so that a dashboard has no gaps. */
export function addLaneGauges(metrics: Metrics, survey: () => LaneSurvey, clock: Clock): void {
  metrics.gauge(
    'postrider_oldest_due_seconds',
    'For how long the oldest delivery has waited that only our own capacity keeps, by kind of work',
    () => {
      const { oldest } = survey();
      const now = clock.now();
      return kinds.map((kind): [Labels, number] => [
        { kind },
        oldest[kind] === Infinity ? 0 : Math.max(0, now - oldest[kind]) / 1_000,
      ]);
    },
  );
  metrics.gauge('postrider_lanes', 'Lanes of this process by state', () => {
    const { lanes } = survey();
    return gates.map((state): [Labels, number] => [{ state }, lanes.get(state) ?? 0]);
  });
  metrics.gauge('postrider_waiting_deliveries_by_reason', 'Waiting deliveries by what keeps them now', () => {
    const { waiting } = survey();
    return reasons.map((reason): [Labels, number] => [
      { reason: plainEnum(reason, 'WAIT_REASON') },
      waiting.get(reason) ?? 0,
    ]);
  });
}
