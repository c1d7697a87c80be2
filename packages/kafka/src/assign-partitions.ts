/** A group member as the one that assigns sees it. */
export interface GroupCandidate {
  readonly memberId: string;
  readonly topics: readonly string[];
  /** Partition numbers that it had before, and the generation that gave them. */
  readonly owned: readonly number[];
  readonly ownedSince: number;
}

/**
 * What a member says that it had, as it sent it. Whatever another release says in another way only loses its preference: it
 * must not keep the group from being shared out.
 */
export function previousShare(userData: Buffer): Pick<GroupCandidate, 'owned' | 'ownedSince'> {
  try {
    const { owned, since } = JSON.parse(userData.toString()) as { owned: unknown; since: unknown };
    if (Array.isArray(owned) && owned.every(isCount) && typeof since === 'number') return { owned, ownedSince: since };
  } catch {
    // No JSON, or no object.
  }
  return { owned: [], ownedSince: -1 };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * Sticky and co-partitioned: partition i of every topic goes to one member; who had i keeps it as long as shares stay even
 * (they differ by one at most); the rest goes to those who have least. The same input always gives the same answer.
 *
 * Topics that not all members read (while a new release is rolled out) are shared among those who do, by the same rule.
 */
export function assignPartitions(
  members: readonly GroupCandidate[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, ReadonlyMap<string, readonly number[]>> {
  const answer = new Map(members.map(({ memberId }) => [memberId, new Map<string, number[]>()]));
  for (const { topics, readers } of topicsByReaders(members)) {
    const count = Math.max(0, ...topics.map((topic) => partitionCounts.get(topic) ?? 0));
    for (const [memberId, partitions] of share(readers, count)) {
      for (const topic of topics) {
        const existing = partitions.filter((partition) => partition < (partitionCounts.get(topic) ?? 0));
        if (existing.length > 0) answer.get(memberId)?.set(topic, existing);
      }
    }
  }
  return answer;
}

function topicsByReaders(members: readonly GroupCandidate[]): { topics: string[]; readers: GroupCandidate[] }[] {
  const groups = new Map<string, { topics: string[]; readers: GroupCandidate[] }>();
  for (const topic of [...new Set(members.flatMap(({ topics }) => topics))].toSorted()) {
    const readers = members.filter(({ topics }) => topics.includes(topic)).toSorted(byMemberId);
    const key = JSON.stringify(readers.map(({ memberId }) => memberId));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { topics: [topic], readers });
    else group.topics.push(topic);
  }
  return [...groups.values()];
}

function share(readers: readonly GroupCandidate[], count: number): Map<string, number[]> {
  const previous = previousOwners(readers, count);
  const had = (memberId: string) => previous.filter((owner) => owner === memberId).length;
  // The larger shares go to those who have most, so that the least moves.
  const order = readers.toSorted((a, b) => had(b.memberId) - had(a.memberId) || byMemberId(a, b));
  const least = Math.floor(count / order.length);
  const larger = count % order.length;
  const shares = order.map(({ memberId }, index) => ({
    memberId,
    size: least + (index < larger ? 1 : 0),
    partitions: [] as number[],
  }));
  const homeless: number[] = [];
  for (let partition = 0; partition < count; partition += 1) {
    const owner = shares.find(({ memberId }) => memberId === previous[partition]);
    if (owner !== undefined && owner.partitions.length < owner.size) owner.partitions.push(partition);
    else homeless.push(partition);
  }
  for (const partition of homeless) {
    const free = shares.filter(({ partitions, size }) => partitions.length < size);
    free.reduce((a, b) => (b.partitions.length < a.partitions.length ? b : a)).partitions.push(partition);
  }
  return new Map(shares.map(({ memberId, partitions }) => [memberId, partitions.toSorted((a, b) => a - b)]));
}

/** Of two that say they had a partition, the later generation is right. */
function previousOwners(readers: readonly GroupCandidate[], count: number): (string | undefined)[] {
  const owners: (string | undefined)[] = Array.from({ length: count });
  for (const reader of readers.toSorted((a, b) => b.ownedSince - a.ownedSince || byMemberId(a, b))) {
    for (const partition of reader.owned) if (partition < count) owners[partition] ??= reader.memberId;
  }
  return owners;
}

function byMemberId(a: GroupCandidate, b: GroupCandidate): number {
  return a.memberId < b.memberId ? -1 : a.memberId > b.memberId ? 1 : 0;
}
