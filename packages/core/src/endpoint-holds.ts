import { limits } from './limits.ts';
import { parseRevision } from './revision.ts';

/** An endpoint that answered 410 to a request made by this revision of its configuration. */
export interface EndpointHold {
  readonly endpointId: string;
  readonly endpointRevision: string;
}

/**
 * Endpoints that answered 410 and are sent nothing until their configuration is newer than the one that was answered so.
 *
 * A hold begins at the answer. Once it is *told* (the event `postrider.endpoint.gone` is acknowledged) progress records
 * carry it, so that the next owner knows it before it starts anything. Before that, and beyond `limits.holdsToldMax`, the
 * waiting row of the delivery that was answered 410 tells of it, and the next owner tells again.
 */
export interface EndpointHolds {
  /** The endpoint answered 410 by this revision. False: it is held by this one or a newer one already. */
  begin(hold: EndpointHold): boolean;
  /** The event of this hold is acknowledged. */
  told(hold: EndpointHold): void;
  /** Whether nothing may be sent while the endpoint's configuration has this revision. */
  isHeld(endpointId: string, revision: string): boolean;
  /** Forgets what is over: the configuration is newer, or the endpoint deleted. */
  prune(isOver: (hold: EndpointHold) => boolean): void;
  /** The holds that are told, for a progress record. */
  encode(): readonly EndpointHold[];
  /** What `encode` answers has changed since it was called last. */
  readonly dirty: boolean;
}

/** The holds that a progress record carries. */
export function createEndpointHolds(from: readonly EndpointHold[] = []): EndpointHolds {
  const holds = new Map<string, { revision: string; told: boolean }>();
  let toldCount = 0;
  let dirty = false;
  const holdsAt = (endpointId: string, revision: string): boolean => {
    const hold = holds.get(endpointId);
    return hold !== undefined && !isNewer(revision, hold.revision);
  };
  const forget = (endpointId: string): void => {
    if (holds.get(endpointId)?.told === true) {
      toldCount -= 1;
      dirty = true;
    }
    holds.delete(endpointId);
  };
  const api: EndpointHolds = {
    begin({ endpointId, endpointRevision }) {
      if (holdsAt(endpointId, endpointRevision)) return false;
      forget(endpointId);
      holds.set(endpointId, { revision: endpointRevision, told: false });
      return true;
    },
    told({ endpointId, endpointRevision }) {
      const hold = holds.get(endpointId);
      if (hold === undefined || hold.told || hold.revision !== endpointRevision) return;
      if (toldCount >= limits.holdsToldMax) return;
      hold.told = true;
      toldCount += 1;
      dirty = true;
    },
    isHeld: holdsAt,
    prune(isOver) {
      for (const [endpointId, { revision }] of holds) {
        if (isOver({ endpointId, endpointRevision: revision })) forget(endpointId);
      }
    },
    encode() {
      dirty = false;
      return [...holds].flatMap(([endpointId, { revision, told }]) =>
        told ? [{ endpointId, endpointRevision: revision }] : [],
      );
    },
    get dirty() {
      return dirty;
    },
  };
  for (const hold of from) if (api.begin(hold)) api.told(hold);
  dirty = false;
  return api;
}

/** A text that is no revision is newer than nothing: what we cannot read keeps a hold rather than ending it. */
function isNewer(revision: string, than: string): boolean {
  const number = parseRevision(revision);
  return number !== null && number > (parseRevision(than) ?? -1n);
}
