import { createTrieMap } from './trie-map.ts';
import type { FrozenMap, TrieMap } from './trie-map.ts';

/** Members by group, for example endpoint uids by tenant. */
export interface GroupIndex {
  add(group: string, member: string): void;
  remove(group: string, member: string): void;
  get(group: string): FrozenMap<string> | undefined;
  /** The present state; later changes do not touch it. */
  freeze(): FrozenMap<FrozenMap<string>>;
  /** Another index in the present state; later changes of either do not touch the other. */
  fork(): GroupIndex;
}

/** An index whose groups are copied when they change for the first time after a freeze. */
export function createGroupIndex(): GroupIndex {
  return groupIndex(createTrieMap());
}

function groupIndex(groups: TrieMap<TrieMap<string>>): GroupIndex {
  let owned = new WeakSet<TrieMap<string>>();

  function writable(group: string): TrieMap<string> {
    const found = groups.get(group);
    if (found !== undefined && owned.has(found)) return found;
    const copy = found?.fork() ?? createTrieMap<string>();
    owned.add(copy);
    groups.set(group, copy);
    return copy;
  }

  return {
    add(group, member) {
      writable(group).set(member, member);
    },
    remove(group, member) {
      if (groups.get(group)?.get(member) === undefined) return;
      const members = writable(group);
      members.delete(member);
      if (members.size === 0) groups.delete(group);
    },
    get: (group) => groups.get(group),
    freeze() {
      owned = new WeakSet();
      return groups.freeze();
    },
    fork() {
      owned = new WeakSet();
      return groupIndex(groups.fork());
    },
  };
}
