import type { ConfigSnapshot, EndpointIds } from '@postrider/config-view';

// An endpoint must be decoded for it, and keeps it for as long as it is: it is read once.
const known = new WeakMap<EndpointIds, Date>();

/** Names and times of creation of endpoints, one by one. */
export function* endpointCreateTimes(
  snapshot: ConfigSnapshot,
  endpoints: Iterable<EndpointIds>,
): Generator<readonly [name: string, time: Date | undefined]> {
  for (const ids of endpoints) {
    const time = known.get(ids) ?? snapshot.endpoint(ids.uid)?.endpoint?.createTime;
    if (time !== undefined) known.set(ids, time);
    yield [ids.name, time];
  }
}
