import { configKey } from '@postrider/config-view';
import { Pause } from '@postrider/contract/postrider/v1/pause';
import { EVERYTHING, PostriderError, invalidArgument, isInForce, pauseIdOf, pausesOf } from '@postrider/core';
import { poolOf } from '@postrider/egress';
import { checkNotHeld } from './held.ts';
import { sizeOf } from './messages.ts';
import { parseEndpointName, parseTenantName } from './names.ts';
import { found, rejectUnreadable, rejectViolations } from './reject.ts';
import { serverLimits } from './server-limits.ts';
import { checkReason, createViolations } from './validate-common.ts';
import type { ConfigSnapshot } from '@postrider/config-view';
import type {
  ListPausesRequest,
  ListPausesResponse,
  PauseDeliveriesRequest,
  ResumeDeliveriesRequest,
  ResumeDeliveriesResponse,
} from '@postrider/contract/postrider/v1/pause_service';
import type { Pausable } from '@postrider/core';
import type { Method, ServiceContext } from './call.ts';
import type { Change } from './config-writer.ts';
import type { KnownPools } from './validate-pools.ts';

const POOLS = 'egressPools/';

export function pauseDeliveries(context: ServiceContext): Method<PauseDeliveriesRequest, Pause> {
  const { writer, clock, pools, reach } = context;
  return ({ name, reason, expireTime }, caller) => {
    const violations = createViolations();
    checkReason(violations, reason);
    if (expireTime !== undefined && expireTime.getTime() <= clock.now()) {
      violations.add('expire_time', 'must be a time to come');
    }
    checkName(name);
    rejectViolations(violations.list);
    return writer.change(caller.actor, (change) => {
      const { snapshot, now, put } = change;
      const { endpointUid } = target(snapshot, name, pools);
      const id = pauseIdOf({ name, endpointUid });
      rejectUnreadable(snapshot, 'pause', id, `the pause of ${name}`);
      const before = snapshot.pause(id);
      const inForce = before !== undefined && isInForce(before, now.getTime()) ? before : undefined;
      checkNotHeld(inForce, reach, `${name} is paused`);
      const since = inForce === undefined ? now : inForce.createTime;
      const heldByInstallation = reach === 'all';
      forgetEnded(change, id, name);
      const { value } = put(configKey('pause', id), (revision) => ({
        $case: 'pause',
        value: {
          ...{ ...blank, name, reason, actor: caller.actor, createTime: since, expireTime },
          ...{ endpointUid, revision, heldByInstallation },
        },
      }));
      return value;
    });
  };
}

export function resumeDeliveries({
  writer,
  pools,
  reach,
}: ServiceContext): Method<ResumeDeliveriesRequest, ResumeDeliveriesResponse> {
  return ({ name }, caller) => {
    checkName(name);
    return writer.change(caller.actor, ({ snapshot, now, remove }) => {
      const { endpointUid, pausable } = target(snapshot, name, pools);
      const id = pauseIdOf({ name, endpointUid });
      rejectUnreadable(snapshot, 'pause', id, `the pause of ${name}`);
      const before = snapshot.pause(id);
      if (before !== undefined && isInForce(before, now.getTime())) checkNotHeld(before, reach, `${name} is paused`);
      if (before !== undefined) remove(configKey('pause', id));
      const others = (other: string): Pause | undefined => (other === id ? undefined : snapshot.pause(other));
      const ended = before !== undefined && isInForce(before, now.getTime()) ? before : undefined;
      return { ended, remaining: [...pausesOf(pausable, others, now.getTime())] };
    });
  };
}

export function listPauses({ view, paging, clock }: ServiceContext): Method<ListPausesRequest, ListPausesResponse> {
  return (request) => {
    const snapshot = view.snapshot();
    const byName = new Map(Array.from(snapshot.pauses(), (pause) => [pause.name, pause]));
    const { items, nextPageToken } = paging.page(
      {
        method: 'ListPauses',
        parent: '',
        snapshot,
        names: () => byName.keys(),
        resource: (name) => {
          const pause = byName.get(name);
          return pause !== undefined && isInForce(pause, clock.now()) ? pause : undefined;
        },
        bytes: (pause) => sizeOf(Pause, pause),
      },
      request,
    );
    return { pauses: [...items], nextPageToken };
  };
}

/** Takes the pauses of what is deleted with it: another tenant may have its id one day. */
export function forgetPause({ snapshot, remove }: Change, id: string): void {
  if (snapshot.pause(id) !== undefined) remove(configKey('pause', id));
}

const blank = Pause.fromPartial({});

/**
 * Whoever pauses clears away what is over by itself. Beyond the bound no more endpoints of a tenant are paused one by one;
 * what the person on call pauses is never in the way of what tenants have paused, nor one tenant in that of another.
 */
function forgetEnded({ snapshot, now, remove }: Change, besides: string, name: string): void {
  const [siblings] = /^tenants\/[^/]+\/endpoints\//.exec(name) ?? [];
  let left = 0;
  for (const pause of snapshot.pauses()) {
    const id = pauseIdOf(pause);
    if (id === besides) continue;
    if (!isInForce(pause, now.getTime())) remove(configKey('pause', id));
    else if (siblings !== undefined && pause.name.startsWith(siblings)) left += 1;
  }
  if (left < serverLimits.endpointPausesPerTenantMax) return;
  throw new PostriderError(
    'limit_reached',
    `${left} endpoints of the tenant are paused; resume some, or pause the tenant`,
  );
}

function checkName(name: string): void {
  if (name === EVERYTHING || (name.startsWith(POOLS) && name.length > POOLS.length)) return;
  const parts = name.split('/');
  if (parts.length === 2 && parts[0] === 'tenants') return void parseTenantName(name, 'name');
  if (parts.length === 4) return void parseEndpointName(name, 'name');
  const forms = 'tenants/{tenant}, tenants/{tenant}/endpoints/{endpoint}, egressPools/{pool} or installation';
  throw invalidArgument([{ field: 'name', description: `must have one of the forms ${forms}` }]);
}

interface Target {
  /** Empty where it is no endpoint. */
  readonly endpointUid: string;
  /** What else could keep it from being sent. */
  readonly pausable: Pausable;
}

/** What the name means; throws `not_found`. */
function target(snapshot: ConfigSnapshot, name: string, pools: KnownPools): Target {
  const nothing = { tenant: '', endpointId: '', pool: '' };
  if (name === EVERYTHING) return { endpointUid: '', pausable: nothing };
  if (name.startsWith(POOLS)) {
    const pool = poolOf(name);
    // A pool that the installation has given up may still be resumed.
    if (!pools.has(pool) && snapshot.pause(name) === undefined) found(undefined, name);
    return { endpointUid: '', pausable: { ...nothing, pool } };
  }
  const [, tenant = ''] = name.split('/');
  if (name.split('/').length === 2) {
    found(snapshot.tenant(tenant), name);
    return { endpointUid: '', pausable: { ...nothing, tenant } };
  }
  const endpoint = snapshot.endpointByName(name)?.endpoint;
  // The pause of an endpoint that is gone: its deletion broke off before the pause was taken away.
  const left = [...snapshot.pauses()].find((pause) => pause.name === name)?.endpointUid;
  const uid = found(endpoint?.uid ?? left, name);
  return { endpointUid: uid, pausable: { tenant, endpointId: uid, pool: poolOf(endpoint?.egressPool ?? '') } };
}
