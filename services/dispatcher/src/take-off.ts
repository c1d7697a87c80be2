import { boundsBroken, moveDelivery, readDelivery, type DeliveryView, type WorkKind } from '@postrider/core';
import { admissionOf } from './admission.ts';
import { waitFor } from './intake.ts';
import { giveOwnBytes } from './own-bytes.ts';
import type { Dispatch } from './dispatch-delivery.ts';
import type { Endings } from './endings.ts';
import type { Faults } from './faults.ts';
import type { Lanes } from './lanes.ts';
import type { Pod } from './pod.ts';
import type { Work } from './work.ts';
import type { WorkTable } from './work-table.ts';

/** What starting a delivery needs. */
export interface TakeOffOptions {
  readonly pod: Pod;
  readonly lanes: Lanes;
  readonly endings: Endings;
  readonly table: WorkTable;
  readonly dispatch: Dispatch;
  readonly faults: Faults;
}

/** It is this delivery's turn. False: it ended or waits without a request. */
export type TakeOff = (work: Work, kind: WorkKind) => boolean;

/** Starts deliveries of one reign; a fault of ours concerns the one that it hit, and no other. */
export function createTakeOff(options: TakeOffOptions): TakeOff {
  return (work, kind) => {
    try {
      return takeOff(options, work, kind);
    } catch (error) {
      options.faults.failed(work, 'start', error);
      return false;
    }
  };
}

/** It is sent, or it ends because its time is over, its endpoint is gone, or is not its tenant's. */
function takeOff({ pod, lanes, endings, table, dispatch }: TakeOffOptions, work: Work, kind: WorkKind): boolean {
  const { lane } = work;
  if (lane === null) return false;
  const endpoint = pod.endpoints.get(lane.endpointId);
  if (endpoint === undefined) {
    // Deleted a moment ago, and this lane has not been told yet.
    lanes.refresh((other) => other === lane);
    if (lane.gate.kind === 'cancel') endings.cancel(work, lane.gate.reason);
    else table.requeue(work);
    return false;
  }
  if (work.expiresAt <= pod.clock.now()) {
    endings.expire(work);
    return false;
  }
  if (table.takeOff(work) === undefined) return false;
  // It may be waited for as long as its deadline.
  if (kind === 'unknown' || kind === 'unanswered') giveOwnBytes(work);
  const view = (work.view ??= viewOfRow(work, pod.clock.now()));
  // One tenant's event never reaches another's endpoint, whatever a record says.
  if (view.tenant !== endpoint.tenant) {
    endings.unreadable(work, `its endpoint ${view.endpointId} is not of tenant ${view.tenant}`);
    return false;
  }
  const now = pod.clock.now();
  const admission = admissionOf(view, endpoint, pod.view, now);
  if (admission.kind === 'cancel') endings.cancel(work, admission.reason);
  if (admission.kind === 'wait') table.put(work, waitFor(admission.reason, admission.until, now));
  if (admission.kind !== 'send') return false;
  const { bytes, delivery } = work;
  if (delivery === null) return false;
  lane.breaker?.started(view.attempt > 0, pod.clock.monotonic());
  dispatch({ work, view, delivery, endpoint, ended: () => pod.scheduler.ended(lane, bytes, kind) });
  return true;
}

/** What its row says, within bounds: the row itself stays as it is until it is written again. */
function viewOfRow(work: Work, now: number): DeliveryView {
  const { header, body } = work.delivery ?? { header: Buffer.alloc(0), body: Buffer.alloc(0) };
  const view = readDelivery(header);
  const changes = boundsBroken(view, now);
  if (changes === null) return view;
  const bounded = moveDelivery(header, changes);
  work.delivery = { header: bounded, body };
  return readDelivery(bounded);
}
