import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { limits, type Clock } from '@postrider/core';
import { createDiskStore } from './disk-store.ts';
import { createFullness } from './fullness.ts';
import { createMemoryStore, type WaitingStore, type WaitingStoreOptions } from './waiting-store.ts';
import type { DispatcherEvents } from './events.ts';

/** The stores of all partitions of a process. */
export interface WaitingStores extends Disposable {
  /** A store for one reign; `lost` is called at most once, when everything in it is lost. */
  create(partition: number, lost: () => void): WaitingStore;
  /** What all of them take. */
  readonly bytes: number;
  /** How often a waiting delivery was read. */
  readonly reads: number;
  /** From 80 % of the bound on, until 50 % are left: nothing more is taken in that may have to wait. */
  readonly full: boolean;
  /** The same of the part up to which `deliveries.bulk` is read. */
  readonly bulkFull: boolean;
}

/** What the stores are made with. */
export interface WaitingStoresOptions {
  /** Folder for the files; null: everything is held in memory. */
  readonly directory: string | null;
  /** What all files may take. */
  readonly bytesMax?: number;
  /** What may be held in memory while there is no disk to trust; without a folder, memory is not bounded here. */
  readonly memoryBytesMax?: number;
  readonly clock: Clock;
  readonly events: Pick<DispatcherEvents, 'storeLost' | 'storeInMemory' | 'storesFull'>;
}

/**
 * Stores in files, in a folder of this process below `directory`. A store that is lost ends its reign; the partition is
 * taken over anew and its rows are loaded again. When stores on disk are lost again and again, new ones are in memory for
 * a while, as far as that goes.
 * @throws when the folder cannot be made
 */
export function createWaitingStores(options: WaitingStoresOptions): WaitingStores {
  return new Stores(options);
}

const FOLDER = /^waiting-(\d+)-[0-9a-z]+$/;
/** Folders that this process has made. */
const own = new Set<string>();

class Stores implements WaitingStores {
  readonly #o: WaitingStoresOptions;
  readonly #folder: string | null;
  readonly #open = { disk: new Set<WaitingStore>(), memory: new Set<WaitingStore>() };
  readonly #losses: number[] = [];
  #files = 0;
  #inMemoryUntil = -Infinity;
  readonly #isFull = createFullness(1);
  readonly #isBulkFull = createFullness(limits.bulkWaitingFraction);
  #full = false;
  #reads = 0;

  constructor(options: WaitingStoresOptions) {
    this.#o = options;
    this.#folder = options.directory === null ? null : makeFolder(options.directory);
  }

  get bytes(): number {
    return bytesOf(this.#open.disk) + bytesOf(this.#open.memory);
  }

  get reads(): number {
    return this.#reads;
  }

  get full(): boolean {
    const before = this.#full;
    this.#full = this.#isFull(this.#part);
    if (this.#full && !before) this.#o.events.storesFull(this.bytes);
    return this.#full;
  }

  get bulkFull(): boolean {
    return this.#isBulkFull(this.#part);
  }

  /** What is taken of the bound that is nearer. */
  get #part(): number {
    const onDisk = bytesOf(this.#open.disk) / this.#diskMax;
    const inMemory = bytesOf(this.#open.memory) / this.#memoryMax;
    return Math.max(onDisk, inMemory);
  }

  create(partition: number, lost: () => void): WaitingStore {
    const kind = this.#folder !== null && this.#o.clock.monotonic() >= this.#inMemoryUntil ? 'disk' : 'memory';
    const open = this.#open[kind];
    const max = kind === 'disk' ? this.#diskMax : this.#memoryMax;
    const storeOptions: WaitingStoreOptions = {
      mayGrow: () => bytesOf(open) <= max,
      lost: (error) => {
        open.delete(store);
        this.#o.events.storeLost(partition, kind, error);
        if (kind === 'disk') this.#noteLoss();
        lost();
      },
    };
    const store =
      kind === 'disk' ? createDiskStore(this.#newFile(partition), storeOptions) : createMemoryStore(storeOptions);
    open.add(store);
    return {
      put: (row, delivery) => store.put(row, delivery),
      get: (row) => {
        this.#reads += 1;
        return store.get(row);
      },
      delete: (row) => store.delete(row),
      get bytes() {
        return store.bytes;
      },
      close() {
        open.delete(store);
        store.close();
      },
    };
  }

  [Symbol.dispose](): void {
    for (const store of [...this.#open.disk, ...this.#open.memory]) store.close();
    if (this.#folder === null) return;
    own.delete(this.#folder);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #diskMax(): number {
    return this.#o.bytesMax ?? limits.storeBytesDefault;
  }

  get #memoryMax(): number {
    return this.#folder === null ? Infinity : (this.#o.memoryBytesMax ?? limits.storeMemoryBytesMax);
  }

  #newFile(partition: number): string {
    this.#files += 1;
    return join(this.#folder as string, `${partition}-${this.#files}.db`);
  }

  #noteLoss(): void {
    const { clock, events } = this.#o;
    const now = clock.monotonic();
    this.#losses.push(now);
    while ((this.#losses[0] as number) < now - limits.storeDistrustMs) this.#losses.shift();
    if (this.#losses.length < limits.storeLossesMax) return;
    this.#losses.length = 0;
    this.#inMemoryUntil = now + limits.storeDistrustMs;
    events.storeInMemory(limits.storeDistrustMs);
  }
}

function bytesOf(stores: ReadonlySet<WaitingStore>): number {
  let bytes = 0;
  for (const store of stores) bytes += store.bytes;
  return bytes;
}

/** A folder of this process; those of processes that are no more are removed. */
function makeFolder(directory: string): string {
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(directory)) {
    const pid = FOLDER.exec(name)?.[1];
    const path = join(directory, name);
    if (pid !== undefined && !own.has(path) && !isRunning(Number(pid))) rmSync(path, { recursive: true, force: true });
  }
  const folder = join(directory, `waiting-${process.pid}-${Date.now().toString(36)}${own.size}`);
  mkdirSync(folder);
  own.add(folder);
  return folder;
}

/** Whether another process has this number. Ours cannot be another's: what bears it was left by one before us. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
