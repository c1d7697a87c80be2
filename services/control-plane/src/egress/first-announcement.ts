import { configKey } from '@postrider/config-view';
import { EgressAddress } from '@postrider/contract/postrider/v1/egress';
import { parseSourceRange } from '@postrider/egress';
import { addressesOf, addressName, addressRecord } from './announced.ts';
import type { ConfigView } from '@postrider/config-view';
import type { Logger } from '@postrider/runtime';
import type { ConfigWriter } from '../config-writer.ts';
import type { DeclaredSources } from './announced.ts';

/**
 * Announces what pools leave from already: the declared addresses of each pool of which nothing was ever announced, from now
 * on. What is declared later is not used before somebody announces it.
 */
export async function ensureAnnounced(
  writer: Pick<ConfigWriter, 'change'>,
  view: Pick<ConfigView, 'snapshot'>,
  { sources, actor }: { readonly sources: DeclaredSources; readonly actor: string },
  log: Logger,
): Promise<void> {
  const isNew = (snapshot: ReturnType<ConfigView['snapshot']>, pool: string): boolean =>
    addressesOf(snapshot, pool).length === 0;
  const wanted = [...sources].filter(([pool, list]) => list.length > 0 && isNew(view.snapshot(), pool));
  if (wanted.length === 0) return;
  await writer.change(actor, ({ snapshot, now, put }) => {
    for (const [pool, list] of wanted) {
      if (!isNew(snapshot, pool)) continue;
      for (const source of list.flatMap((address) => parseSourceRange(address) ?? [])) {
        const id = `${pool}/${source.id}`;
        if (snapshot.unreadable('egress-address', id) !== undefined) continue;
        const times = { announceTime: now, effectiveTime: now, updateTime: now };
        put(configKey('egress-address', id), (revision) =>
          addressRecord(
            {
              ...EgressAddress.fromPartial({ name: addressName(pool, source), cidr: source.cidr, revision }),
              ...times,
            },
            revision,
          ),
        );
      }
    }
  });
  log.info({ pools: wanted.map(([pool]) => pool) }, 'the declared source addresses of egress pools are announced');
}
