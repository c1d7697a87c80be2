import { workKinds } from '@postrider/core';
import { intakeTopics } from './intake-ledger.ts';
import type { Labels, Metrics } from '@postrider/runtime';
import type { OwnerGroup } from './group.ts';
import type { Pod } from './pod.ts';

/** What an operator wants to see at any moment. */
export function addGauges(metrics: Metrics, pod: Pod, group: OwnerGroup): void {
  metrics.gauge('postrider_requests_in_flight', 'Requests that have no answer yet', () => pod.scheduler.inFlight);
  metrics.gauge('postrider_requests_in_flight_by_kind', 'The same by the kind of work that they were started as', () =>
    workKinds.map((kind): [Labels, number] => [{ kind }, pod.scheduler.inFlightAs(kind)]),
  );
  const { destinations } = pod;
  if (destinations !== null) {
    const what = 'Lanes, and requests for tokens, that wait for the cap of their destination';
    metrics.gauge('postrider_lanes_awaiting_destination', what, () => destinations.waiting);
  }
  metrics.gauge('postrider_queued_bytes', 'Bytes of deliveries held before they end or wait', () => pod.meter.bytes);
  metrics.gauge('postrider_partitions', 'Partitions of this process by state', () => {
    const counts = new Map<string, number>();
    for (const { state } of group.owners.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    return [...counts].map(([state, count]): [Labels, number] => [{ state }, count]);
  });
  metrics.gauge('postrider_waiting_deliveries', 'Deliveries that wait in a retry tier', () => {
    let rows = 0;
    for (const { serving } of group.owners.values()) rows += serving?.parts?.table.rows.size ?? 0;
    return rows;
  });
  metrics.gauge('postrider_waiting_deliveries_largest', 'Waiting deliveries of the five endpoints that have most', () =>
    pod.rowBound.largest().map(({ endpointId, rows }): [Labels, number] => [{ endpoint: endpointId }, rows]),
  );
  metrics.gauge(
    'postrider_store_bytes',
    'Bytes that waiting deliveries take on disk or in memory',
    () => pod.stores.bytes,
  );
  metrics.gauge('postrider_store_reads', 'How often a waiting delivery was read', () => pod.stores.reads);
  metrics.gauge('postrider_offset_range', 'Offsets taken and not all done: the widest range of a partition', () =>
    intakeTopics.map((topic): [Labels, number] => {
      let widest = 0;
      for (const { serving } of group.owners.values()) widest = Math.max(widest, serving?.rangeSize(topic) ?? 0);
      return [{ topic }, widest];
    }),
  );
}
