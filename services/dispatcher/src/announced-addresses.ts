import { parseSourceRange, poolOf, type AnnouncedRange, type AnnouncedRanges } from '@postrider/egress';
import type { ConfigSnapshot, ConfigView } from '@postrider/config-view';

/** The source addresses that receivers have been told of, as the door to the internet asks for them. */
export interface AnnouncedAddresses extends Disposable {
  of(pool: string): AnnouncedRanges;
  /** Calls back when any of them has changed. */
  onChange(callback: () => void): void;
}

/** Follows what is announced on `config`. */
export function followAnnounced(view: Pick<ConfigView, 'snapshot' | 'onChange'>): AnnouncedAddresses {
  let byPool = rangesOf(view.snapshot());
  const listeners = new Set<() => void>();
  const stop = view.onChange((changes) => {
    if (!changes.some(({ kind }) => kind === 'egress-address')) return;
    byPool = rangesOf(view.snapshot());
    for (const listener of listeners) listener();
  });
  return {
    of: (pool) => byPool.get(pool) ?? [],
    onChange: (callback) => void listeners.add(callback),
    [Symbol.dispose]: stop,
  };
}

/** Of what a newer version wrote and this one cannot read: it allows nothing, and something was announced. */
const nothing: AnnouncedRange['range'] = { bytes: new Uint8Array(), bits: 0 };

function rangesOf(snapshot: ConfigSnapshot): ReadonlyMap<string, AnnouncedRanges> {
  const byPool = new Map<string, AnnouncedRange[]>();
  for (const { address } of snapshot.egressAddresses()) {
    if (address === undefined) continue;
    const range = parseSourceRange(address.cidr)?.range ?? nothing;
    const pool = poolOf(address.name.split('/addresses/', 1)[0] ?? '');
    const { effectiveTime, retireTime } = address;
    byPool.set(pool, [...(byPool.get(pool) ?? []), { range, effectiveTime, retireTime }]);
  }
  return byPool;
}
