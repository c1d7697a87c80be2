import { formatRevision } from '@postrider/core';
import { parseConfigKey } from './config-key.ts';
import { createEntityStore } from './entity-store.ts';
import { readConfigRecord } from './read-record.ts';
import { createTrieMap } from './trie-map.ts';
import type { IncomingRecord } from '@postrider/kafka';
import type { ConfigProblem } from './config-problem.ts';
import type { EntityStore } from './entity-store.ts';
import type { ConfigEntity, ConfigVersion, ReadClaim, ReadProblem, ReadRecord } from './read-record.ts';
import type { TrieMap } from './trie-map.ts';
import type { ConfigChange, ConfigSnapshot, ConfigWriter } from './snapshot.ts';

/** What one record did. Both absent: nothing, as a duplicate or a record that came late. */
export interface Folded {
  readonly change?: ConfigChange;
  readonly problem?: ConfigProblem;
}

/** Folds records of the `config` topic, one after the other, in offset order. No I/O. */
export interface ConfigFold {
  apply(record: IncomingRecord): Folded;
  /** The present state; later records do not touch it. The same object until something changes. */
  snapshot(): ConfigSnapshot;
  /** The present state to try changes on, which neither touch it nor are touched by what is folded later. */
  draft(): ConfigDraft;
  /** Whether everything of this revision, and older, has been folded. */
  reached(revision: bigint): boolean;
  /** Whether the newest record of this key that was folded is a deletion. */
  knowsDeleted(key: string): boolean;
}

/** The configuration as it will be once what was put here is written. */
export interface ConfigDraft {
  /** Good until the next `put`. */
  snapshot(): ConfigSnapshot;
  /**
   * Puts an entity under its key, or takes it away: what that changed. Claims, keys of kinds that are not known, and what is
   * taken away without being there, change nothing.
   */
  put(key: string, entity: ConfigEntity | null): ConfigChange | null;
  /** Whether a deletion of this key, and nothing newer, is known or was put here. */
  knowsDeleted(key: string): boolean;
}

interface State {
  readonly store: EntityStore;
  /** Of deleted entities too: an older record that comes late must not bring them back. */
  readonly versions: Map<string, ConfigVersion>;
  readonly deleted: Set<string>;
  /** What is kept aside, by key. */
  readonly problems: TrieMap<ConfigProblem>;
  writer: ConfigWriter | null;
  highest: bigint;
  /** The snapshot of this very state, if one was taken. */
  taken: ConfigSnapshot | null;
}

const nothing: Folded = {};

/**
 * The rules:
 * - of two records of one key the higher (writer epoch, revision) holds, wherever it stands in the log;
 * - the newest claim (by its offset, which is its epoch) is the writer; what an older writer wrote behind it is ignored;
 * - what cannot be read is kept aside and what held before still holds; only a deletion deletes, so an empty or lost
 *   topic takes nothing away;
 * - a writer's revisions all lie above its epoch, so a claim has reached every revision up to its epoch, also those
 *   whose records were compacted away.
 */
export function createConfigFold(): ConfigFold {
  const state: State = {
    store: createEntityStore(),
    versions: new Map(),
    deleted: new Set(),
    problems: createTrieMap(),
    writer: null,
    highest: 0n,
    taken: null,
  };
  return {
    apply: (record) => apply(state, readConfigRecord(record), record.offset),
    snapshot: () => (state.taken ??= takeSnapshot(state)),
    draft: () => createDraft((state.taken ??= takeSnapshot(state)), state),
    reached: (revision) => revision <= state.highest,
    knowsDeleted: (key) => state.deleted.has(key),
  };
}

function createDraft(before: ConfigSnapshot, state: State): ConfigDraft {
  const store = state.store.fork();
  /** By key, of those that were put here: whether they were taken away. */
  const gone = new Map<string, boolean>();
  let taken: ConfigSnapshot | null = before;
  return {
    snapshot: () => (taken ??= { ...before, ...store.live() }),
    knowsDeleted: (key) => gone.get(key) ?? state.deleted.has(key),
    put(key, entity) {
      const parsed = parseConfigKey(key);
      if (parsed === null || parsed.kind === null || parsed.kind === 'writer' || entity?.$case === 'writer')
        return null;
      taken = null;
      gone.set(key, entity === null);
      if (entity !== null) return store.put(parsed.id, entity);
      return parsed.kind === 'layout' ? null : store.remove(parsed.kind, parsed.id);
    },
  };
}

function apply(state: State, read: ReadRecord, offset: number): Folded {
  if (read.kind === 'claim') return applyClaim(state, read, offset);
  const { version, key } = read;
  if (isStale(state, version, offset)) {
    const detail = `Its writer’s epoch is ${version?.epoch}; epoch ${state.writer?.epoch} had begun before it.`;
    return { problem: { code: 'stale_writer', key, offset, detail } };
  }
  if (!isNewer(state, key, version)) return nothing;
  if (version !== null) reach(state, version.revision);
  if (read.kind === 'problem') return keepAside(state, read, offset);
  if (version !== null) state.versions.set(key, version);
  clearProblem(state, key);
  if (read.kind === 'deletion') state.deleted.add(key);
  else state.deleted.delete(key);
  const { store } = state;
  const change =
    read.kind === 'entity' ? store.put(read.id, read.entity, read.bytes) : store.remove(read.entityKind, read.id);
  if (change === null) return nothing;
  state.taken = null;
  return { change };
}

function applyClaim(state: State, { claim, key, version }: ReadClaim, offset: number): Folded {
  const before = state.writer;
  if (before !== null && offset <= before.epoch) return nothing;
  const { processId, randomId, address } = claim;
  const after: ConfigWriter = { epoch: offset, processId, randomId, address };
  state.writer = after;
  state.taken = null;
  reach(state, BigInt(offset));
  reach(state, version.revision);
  clearProblem(state, key);
  return { change: { kind: 'writer', id: 'current', ...(before === null ? {} : { before }), after } };
}

function keepAside(state: State, { code, key, detail }: ReadProblem, offset: number): Folded {
  const problem: ConfigProblem = { code, key, offset, detail };
  state.problems.set(key, problem);
  state.taken = null;
  return { problem };
}

function clearProblem(state: State, key: string): void {
  if (state.problems.get(key) === undefined) return;
  state.problems.delete(key);
  state.taken = null;
}

function reach(state: State, revision: bigint): void {
  if (revision <= state.highest) return;
  state.highest = revision;
  state.taken = null;
}

function isStale({ writer }: State, version: ConfigVersion | null, offset: number): boolean {
  return version !== null && writer !== null && version.epoch < writer.epoch && offset > writer.epoch;
}

function isNewer({ versions }: State, key: string, version: ConfigVersion | null): boolean {
  const held = versions.get(key);
  if (version === null || held === undefined) return true;
  return version.epoch === held.epoch ? version.revision > held.revision : version.epoch > held.epoch;
}

function takeSnapshot({ store, problems, writer, highest }: State): ConfigSnapshot {
  const aside = problems.freeze();
  return {
    ...store.freeze(),
    revision: formatRevision(highest),
    writer,
    unreadable: (kind, id) => aside.get(`${kind}/${id}`),
    problems: () => aside.values(),
  };
}
