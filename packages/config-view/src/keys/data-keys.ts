import { isPostriderError, limits, PostriderError } from '@postrider/core';
import { dataKeyOf, openDataKey } from '../sealed-config.ts';
import { createKmsQueue, type KmsQueue } from './kms-queue.ts';
import { unwrapByKms, type KeyEncryptionKey, type Keyring } from './keyring.ts';
import type { SealedSecret, TenantConfig } from '@postrider/contract/postrider/v1/config';
import type { Clock, SealingKey } from '@postrider/core';

/** Tenants' data keys, opened. What a KMS has opened is kept for a while only, so that it may forbid it; in memory, and nowhere else. */
export interface DataKeys extends Disposable {
  /**
   * The tenant's data key as it is known now.
   * @throws PostriderError `key_unavailable` when its key-encryption key is not known or does not answer: it is asked again
   * until it does, and `onChange` tells; `secret_unreadable` when it opens it, and what comes out is not the key
   */
  of(tenant: TenantConfig): SealingKey;
  /** Whether there is no need to wait for it. */
  has(tenant: TenantConfig): boolean;
  /** Waits until `of` gives it; rejects as `of` throws. Nothing to wait for: resolves. */
  prepare(tenant: TenantConfig | undefined): Promise<void>;
  /** A key that was made here is known here. */
  remember(tenantId: string, sealed: SealedSecret, key: SealingKey): void;
  /** Calls back when keys can be had that could not, or cannot that could. Returns what ends that. */
  onChange(listener: () => void): () => void;
  /** Tenants whose keys were asked of a KMS lately and cannot be had now: the id of its key, by tenant. */
  missing(): ReadonlyMap<string, string>;
}

/** What a KMS was asked for. */
interface Lease {
  readonly tenantId: string;
  readonly kek: KeyEncryptionKey & { readonly kind: 'kms' };
  /** Empty: not noted in the record. */
  readonly dataKeyId: string;
  sealed: SealedSecret;
  /** Null: it was never opened. */
  key: SealingKey | null;
  /** ms, monotonic. */
  until: number;
  usedAt: number;
  /** Why it could not be opened the last time. */
  error: unknown;
  /** Whoever asks for it again gets another one. */
  forgotten: boolean;
}

export interface DataKeysOptions {
  readonly keyring: Keyring;
  readonly clock: Clock;
  /** A KMS did not do as it was asked; `refused`: it will not. */
  readonly onTrouble?: (kekId: string, error: unknown) => void;
}

/** Of what is kept, for each that comes. More than one, or it would never become less. */
const LOOKED_AT = 4;

/** Nothing is opened yet. */
export function createDataKeys(options: DataKeysOptions): DataKeys {
  return new OpenedKeys(options);
}

class OpenedKeys implements DataKeys {
  readonly #keyring: Keyring;
  readonly #clock: Clock;
  /** Opened with local keys: those are here anyway. */
  readonly #local = new WeakMap<TenantConfig, SealingKey>();
  /** By tenant, key-encryption key and data key. */
  readonly #leases = new Map<string, Lease>();
  #inTurn = this.#leases.entries();
  readonly #leaseOf = new WeakMap<TenantConfig, Lease>();
  readonly #queues = new Map<string, KmsQueue<Lease>>();
  readonly #listeners = new Set<() => void>();
  readonly #onTrouble: (kekId: string, error: unknown) => void;

  constructor({ keyring, clock, onTrouble = () => undefined }: DataKeysOptions) {
    this.#keyring = keyring;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
  }

  of(tenant: TenantConfig): SealingKey {
    const known = this.#local.get(tenant);
    if (known !== undefined) return known;
    const lease = this.#lease(tenant);
    if (!('kek' in lease)) return lease;
    const now = this.#clock.monotonic();
    lease.usedAt = now;
    if (lease.key === null || now >= lease.until - limits.dataKeyRenewedBeforeMs) this.#ask(lease);
    if (lease.key !== null && now < lease.until) return lease.key;
    if (isPostriderError(lease.error, 'secret_unreadable')) throw lease.error;
    throw unavailable(lease.tenantId, lease.kek.id, 'does not answer', lease.error);
  }

  has(tenant: TenantConfig): boolean {
    try {
      this.of(tenant);
      return true;
    } catch (error) {
      return !isPostriderError(error, 'key_unavailable');
    }
  }

  async prepare(tenant: TenantConfig | undefined): Promise<void> {
    if (tenant === undefined || this.has(tenant)) return;
    const lease = this.#leaseOf.get(tenant);
    if (lease !== undefined) await this.#queue(lease.kek).settled(lease, limits.kmsWaitMs);
    this.of(tenant);
  }

  remember(tenantId: string, sealed: SealedSecret, key: SealingKey): void {
    const kek = this.#keyring.find(sealed.keyId);
    if (kek?.kind !== 'kms') return;
    const lease = this.#leases.get(leaseKey(tenantId, sealed, key.id)) ?? this.#newLease(tenantId, sealed, key.id, kek);
    this.#opened(lease, key);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  missing(): ReadonlyMap<string, string> {
    const missing = new Map<string, string>();
    const now = this.#clock.monotonic();
    for (const { tenantId, kek, key, until, usedAt } of this.#leases.values()) {
      if ((key === null || until <= now) && now - usedAt < limits.dataKeyKeptMs) missing.set(tenantId, kek.id);
    }
    return missing;
  }

  [Symbol.dispose](): void {
    for (const queue of this.#queues.values()) queue.close();
    this.#leases.clear();
    this.#listeners.clear();
  }

  /** The key, if it is opened by a local one; else what a KMS is asked for. */
  #lease(tenant: TenantConfig): SealingKey | Lease {
    const before = this.#leaseOf.get(tenant);
    if (before?.forgotten === false) return before;
    const tenantId = tenant.tenant?.name.split('/')[1] ?? '';
    const { dataKey: sealed, dataKeyId } = tenant;
    if (sealed === undefined) throw new PostriderError('secret_unreadable', `tenant ${tenantId} has no data key`);
    const kek = this.#keyring.find(sealed.keyId);
    if (kek === undefined) throw unavailable(tenantId, sealed.keyId, 'is not known to this process');
    if (kek.kind === 'local') {
      const key = checked(openDataKey(tenant, kek.sealing), dataKeyId, tenantId);
      this.#local.set(tenant, key);
      return key;
    }
    const known = this.#leases.get(leaseKey(tenantId, sealed, dataKeyId));
    const lease = known ?? this.#newLease(tenantId, sealed, dataKeyId, kek);
    // Sealed anew, it is the same key: what is known of it holds until then, and the newest form is what is asked for.
    lease.sealed = sealed;
    this.#leaseOf.set(tenant, lease);
    return lease;
  }

  #newLease(tenantId: string, sealed: SealedSecret, dataKeyId: string, kek: Lease['kek']): Lease {
    this.#forgetUnused();
    const now = this.#clock.monotonic();
    const unopened = { key: null, until: -Infinity, usedAt: now, error: undefined, forgotten: false };
    const lease: Lease = { tenantId, kek, dataKeyId, sealed, ...unopened };
    this.#leases.set(leaseKey(tenantId, sealed, dataKeyId), lease);
    return lease;
  }

  /**
   * What nobody has asked for while it held is not kept in memory. A few are looked at for each that comes, in turn: there may
   * be as many as tenants.
   */
  #forgetUnused(): void {
    const now = this.#clock.monotonic();
    for (let looked = 0; looked < LOOKED_AT; looked += 1) {
      const next = this.#inTurn.next();
      if (next.done === true) return void (this.#inTurn = this.#leases.entries());
      const [key, lease] = next.value;
      if (lease.until > now || now - lease.usedAt < limits.dataKeyKeptMs) continue;
      this.#leases.delete(key);
      // Its tenant's record still leads to it.
      lease.forgotten = true;
      lease.key = null;
    }
  }

  #ask(lease: Lease): void {
    this.#queue(lease.kek).ask(lease);
  }

  #queue(kek: Lease['kek']): KmsQueue<Lease> {
    const known = this.#queues.get(kek.id);
    if (known !== undefined) return known;
    const queue = createKmsQueue<Lease>({
      clock: this.#clock,
      isWanted: ({ usedAt }) => this.#clock.monotonic() - usedAt < limits.dataKeyKeptMs,
      ask: (lease) => this.#open(lease),
    });
    this.#queues.set(kek.id, queue);
    return queue;
  }

  async #open(lease: Lease): Promise<void> {
    const { kek, sealed, tenantId } = lease;
    try {
      const key = dataKeyOf(await unwrapByKms(sealed, kek.kms, tenantId));
      this.#opened(lease, checked(key, lease.dataKeyId, tenantId));
    } catch (error) {
      const now = this.#clock.monotonic();
      // Told once: what still holds was not missed by anybody.
      const isNew = lease.error === undefined && lease.until <= now;
      lease.error = error;
      this.#onTrouble(kek.id, error);
      if (isNew) this.#tell();
      throw error;
    }
  }

  #opened(lease: Lease, key: SealingKey): void {
    const now = this.#clock.monotonic();
    const wasMissing = lease.key === null || lease.until <= now;
    // The same object as long as it is the same key: what was made of it need not be made again.
    if (lease.key?.id !== key.id) lease.key = key;
    lease.until = now + limits.dataKeyKeptMs;
    lease.error = undefined;
    if (wasMissing) this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** A tenant that is sealed anew keeps its lease where the data key's id is known; without it the sealed bytes say which it is. */
function leaseKey(tenantId: string, sealed: SealedSecret, dataKeyId: string): string {
  return JSON.stringify([tenantId, sealed.keyId, dataKeyId || sealed.ciphertext.toString('base64')]);
}

function checked(key: SealingKey, id: string, tenantId: string): SealingKey {
  if (id === '' || key.id === id) return key;
  throw new PostriderError('secret_unreadable', `what opens as the data key of tenant ${tenantId} is another key`);
}

function unavailable(tenantId: string, kekId: string, why: string, cause?: unknown): PostriderError {
  const text = `the data key of tenant ${tenantId} cannot be opened now: key-encryption key ${kekId} ${why}`;
  return new PostriderError('key_unavailable', text, cause === undefined ? {} : { cause });
}
