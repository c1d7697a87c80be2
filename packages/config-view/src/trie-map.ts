/** The read side of a map that will never change. */
export interface FrozenMap<V> {
  readonly size: number;
  get(key: string): V | undefined;
  values(): IterableIterator<V>;
}

/** A map whose states can be kept: `freeze` gives the present one, and later changes do not touch it. */
export interface TrieMap<V> extends FrozenMap<V> {
  set(key: string, value: V): void;
  delete(key: string): void;
  freeze(): FrozenMap<V>;
  /** Another map in the present state; later changes of either do not touch the other. */
  fork(): TrieMap<V>;
}

/** Bits of a key's hash that each level of branches goes by. */
const BITS = 3;
const CHILDREN = 1 << BITS;
/** The last level that has bits of its own; a leaf there is as long as it needs to be. */
const LAST_SHIFT = 30;
const LEAF_ENTRIES_MAX = 16;

/**
 * A few entries one after the other, each of them its key's hash, its key and its value: most keys are told apart by the hash,
 * without a look at the text. Never changed, and one array no longer than it must be: there is one for every few entries.
 */
type Leaf<V> = readonly (number | string | V)[];
const ENTRY_PARTS = 3;

/** Changed in place by the map that has made it, until that state is kept. */
interface Branch<V> {
  readonly owner: Owner;
  readonly children: (Node<V> | undefined)[];
}

type Node<V> = Leaf<V> | Branch<V>;

/** Stands for one map between two freezes. */
type Owner = object;

/**
 * An empty map. A change after a freeze copies the few small branches on the way to its entry, however many entries there
 * are: with 200,000 entries, five of eight children each.
 */
export function createTrieMap<V>(): TrieMap<V> {
  return new Trie<V>(undefined, 0);
}

class Frozen<V> implements FrozenMap<V> {
  readonly size: number;
  readonly root: Node<V> | undefined;

  constructor(root: Node<V> | undefined, size: number) {
    this.root = root;
    this.size = size;
  }

  get(key: string): V | undefined {
    return find(this.root, key);
  }

  values(): IterableIterator<V> {
    return valuesOf(this.root);
  }
}

class Trie<V> implements TrieMap<V> {
  size: number;
  #root: Node<V> | undefined;
  #owner: Owner = {};
  #frozen: Frozen<V> | null = null;

  constructor(root: Node<V> | undefined, size: number) {
    this.#root = root;
    this.size = size;
  }

  get(key: string): V | undefined {
    return find(this.#root, key);
  }

  values(): IterableIterator<V> {
    return valuesOf(this.#root);
  }

  set(key: string, value: V): void {
    const entry = { key, value, hash: hashOf(key), owner: this.#owner };
    const isNew = !isIn(this.#root, entry);
    this.#root = put(this.#root, entry, 0);
    this.#frozen = null;
    if (isNew) this.size += 1;
  }

  delete(key: string): void {
    const place = { key, hash: hashOf(key), owner: this.#owner };
    if (!isIn(this.#root, place)) return;
    this.#root = without(this.#root, place, 0);
    this.#frozen = null;
    this.size -= 1;
  }

  freeze(): FrozenMap<V> {
    return this.#freeze();
  }

  fork(): TrieMap<V> {
    const { root, size } = this.#freeze();
    return new Trie(root, size);
  }

  #freeze(): Frozen<V> {
    if (this.#frozen === null) {
      this.#frozen = new Frozen(this.#root, this.size);
      // What is kept is nobody's any more.
      this.#owner = {};
    }
    return this.#frozen;
  }
}

interface Place {
  readonly key: string;
  readonly hash: number;
  readonly owner: Owner;
}

interface Entry<V> extends Place {
  readonly value: V;
}

function find<V>(root: Node<V> | undefined, key: string): V | undefined {
  const hash = hashOf(key);
  const leaf = leafOf(root, hash);
  if (leaf === undefined) return undefined;
  const index = placeIn(leaf, key, hash);
  return index < 0 ? undefined : (leaf[index + 2] as V);
}

function isIn<V>(root: Node<V> | undefined, { key, hash }: Place): boolean {
  const leaf = leafOf(root, hash);
  return leaf !== undefined && placeIn(leaf, key, hash) >= 0;
}

/** The leaf that a key of this hash stands in, if it stands anywhere. */
function leafOf<V>(root: Node<V> | undefined, hash: number): Leaf<V> | undefined {
  let node = root;
  for (let shift = 0; node !== undefined && isBranch(node); shift += BITS) node = node.children[at(hash, shift)];
  return node;
}

/** Where the entry of a key begins in a leaf; -1: nowhere. */
function placeIn<V>(leaf: Leaf<V>, key: string, hash: number): number {
  for (let index = 0; index < leaf.length; index += ENTRY_PARTS) {
    if (leaf[index] === hash && leaf[index + 1] === key) return index;
  }
  return -1;
}

function put<V>(node: Node<V> | undefined, entry: Entry<V>, shift: number): Node<V> {
  const { key, value, hash, owner } = entry;
  if (node === undefined) return [hash, key, value];
  if (isBranch(node)) {
    const index = at(hash, shift);
    const own = ownBranch(node, owner);
    own.children[index] = put(own.children[index], entry, shift + BITS);
    return own;
  }
  const index = placeIn(node, key, hash);
  if (index >= 0) return node.with(index + 2, value);
  const leaf = node.concat([hash, key, value]);
  return leaf.length > LEAF_ENTRIES_MAX * ENTRY_PARTS && shift <= LAST_SHIFT ? split(leaf, owner, shift) : leaf;
}

/** A branch with the entries of a leaf that has become too long. */
function split<V>(leaf: Leaf<V>, owner: Owner, shift: number): Node<V> {
  let node: Node<V> = { owner, children: Array(CHILDREN).fill(undefined) as undefined[] };
  for (let index = 0; index < leaf.length; index += ENTRY_PARTS) {
    const [hash, key, value] = leaf.slice(index, index + ENTRY_PARTS) as [number, string, V];
    node = put(node, { key, value, hash, owner }, shift);
  }
  return node;
}

function without<V>(node: Node<V> | undefined, place: Place, shift: number): Node<V> | undefined {
  if (node === undefined) return undefined;
  if (isBranch(node)) {
    const index = at(place.hash, shift);
    const own = ownBranch(node, place.owner);
    own.children[index] = without(own.children[index], place, shift + BITS);
    return own.children.every((child) => child === undefined) ? undefined : own;
  }
  if (node.length === ENTRY_PARTS) return undefined;
  return node.toSpliced(placeIn(node, place.key, place.hash), ENTRY_PARTS);
}

function isBranch<V>(node: Node<V>): node is Branch<V> {
  return 'children' in node;
}

function ownBranch<V>(branch: Branch<V>, owner: Owner): Branch<V> {
  return branch.owner === owner ? branch : { owner, children: branch.children.slice() };
}

function* valuesOf<V>(root: Node<V> | undefined): IterableIterator<V> {
  const ahead = [root];
  while (ahead.length > 0) {
    const node = ahead.pop();
    if (node === undefined) continue;
    if (isBranch(node)) ahead.push(...node.children);
    else for (let index = 2; index < node.length; index += ENTRY_PARTS) yield node[index] as V;
  }
}

/** Which child of a branch at this depth. */
function at(hash: number, shift: number): number {
  return (hash >>> shift) & (CHILDREN - 1);
}

/** FNV-1a over the UTF-16 units: only spreads keys, promises nothing to anyone. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return hash ^ (hash >>> 16);
}
