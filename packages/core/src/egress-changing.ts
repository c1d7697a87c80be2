import { addressState } from './egress-address.ts';
import { operationId } from './ids.ts';
import type { EgressAddress } from '@postrider/contract/postrider/v1/egress';
import type { OperationRecord } from './operations.ts';

/** `ce_type` of the event that tells of an announced change of source addresses. */
export const ADDRESSES_CHANGING = 'postrider.egress.addresses_changing';
const SOURCE = '/postrider/control-plane';

/**
 * That the source addresses of an egress pool will change, as a CloudEvent like the others on `operations`. Written at least
 * once for each announcement and retirement; every copy of one bears the same id.
 */
export function encodeAddressesChanging(address: EgressAddress): OperationRecord {
  const pool = address.name.split('/addresses/', 1)[0] ?? '';
  const announced = address.updateTime ?? new Date(0);
  const attributes: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: operationId(ADDRESSES_CHANGING, address.name, [address.revision]),
    ce_source: SOURCE,
    ce_type: ADDRESSES_CHANGING,
    ce_subject: pool,
    ce_time: announced.toISOString(),
    'content-type': 'application/json',
  };
  const data = {
    egressPool: pool,
    name: address.name,
    cidr: address.cidr,
    state: addressState(address, announced.getTime()).replace('EGRESS_ADDRESS_STATE_', ''),
    effectiveTime: address.effectiveTime?.toISOString() ?? null,
    retireTime: address.retireTime?.toISOString() ?? null,
    revision: address.revision,
  };
  return {
    key: Buffer.from(pool),
    value: Buffer.from(JSON.stringify(data)),
    headers: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, Buffer.from(value)])),
  };
}
