import { EgressAddressState } from '@postrider/contract/postrider/v1/egress';
import { limits } from './limits.ts';
import type { EgressAddress } from '@postrider/contract/postrider/v1/egress';
import type { EpochMs } from './model.ts';

/** When an announced source address may be used. */
export type AddressTimes = Pick<EgressAddress, 'effectiveTime' | 'retireTime'>;

/**
 * How an announced address stands; a function of its times and the clock alone, so nobody has to switch it over:
 *
 *     ANNOUNCED ──effective time──► ACTIVE ──a retire time is set──► RETIRING ──retire time──► RETIRED
 *
 * What is taken back before its effective time goes from ANNOUNCED to RETIRED at once. An address without an effective time
 * is never used.
 */
export function addressState(times: AddressTimes, now: EpochMs): EgressAddressState {
  const { effectiveTime, retireTime } = times;
  if (retireTime !== undefined && retireTime.getTime() <= now) return EgressAddressState.RETIRED;
  if (effectiveTime === undefined || now < effectiveTime.getTime()) return EgressAddressState.ANNOUNCED;
  return retireTime === undefined ? EgressAddressState.ACTIVE : EgressAddressState.RETIRING;
}

/**
 * Whether something may begin to leave from it: not before its effective time, and not in the last minute before its retire
 * time, so that nothing is on its way any more when that comes.
 */
export function mayLeaveFrom(times: AddressTimes, now: EpochMs): boolean {
  const { effectiveTime, retireTime } = times;
  if (effectiveTime === undefined || now < effectiveTime.getTime()) return false;
  return retireTime === undefined || now < retireTime.getTime() - limits.addressDrainMs;
}

/** When its state changes by itself next, after `now`; null: never. */
export function nextAddressChange({ effectiveTime, retireTime }: AddressTimes, now: EpochMs): EpochMs | null {
  const retires = retireTime?.getTime() ?? Infinity;
  const times = [effectiveTime?.getTime() ?? Infinity, retires].filter((time) => time > now && time <= retires);
  const next = Math.min(...times);
  return Number.isFinite(next) ? next : null;
}

/** The key of an address's record: `{pool}/{address}` of `egressPools/{pool}/addresses/{address}`; null: it is no such name. */
export function egressAddressId(name: string): string | null {
  const [, pool, address] = /^egressPools\/([^/]+)\/addresses\/([^/]+)$/.exec(name) ?? [];
  return pool === undefined || address === undefined ? null : `${pool}/${address}`;
}
