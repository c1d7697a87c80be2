import { KeyEncryptionKeyState } from '@postrider/contract/postrider/v1/secret_service';
import { keyStands } from './secrets-stand.ts';
import { staleTenants } from './rewrapping.ts';
import type {
  KeyEncryptionKey,
  ListKeyEncryptionKeysRequest,
  ListKeyEncryptionKeysResponse,
} from '@postrider/contract/postrider/v1/secret_service';
import type { Method, ServiceContext } from '../call.ts';
import type { KeyStand } from './secrets-stand.ts';

const states: Readonly<Record<KeyStand['state'], KeyEncryptionKeyState>> = {
  primary: KeyEncryptionKeyState.PRIMARY,
  known: KeyEncryptionKeyState.KNOWN,
  missing: KeyEncryptionKeyState.MISSING,
};

export function listKeyEncryptionKeys({
  view,
  keyring,
  secretAges,
}: ServiceContext): Method<ListKeyEncryptionKeysRequest, ListKeyEncryptionKeysResponse> {
  return () => {
    const snapshot = view.snapshot();
    const { count, old, oldest, countedAt } = secretAges();
    return {
      keyEncryptionKeys: keyStands(snapshot, keyring).map(shown),
      toResealCount: BigInt(staleTenants(snapshot, keyring).length),
      secretCount: BigInt(count),
      oldSecretCount: BigInt(old),
      oldestSecretTime: oldest === null ? undefined : new Date(oldest),
      secretsCountedTime: countedAt === null ? undefined : new Date(countedAt),
    };
  };
}

function shown({ id, state, kmsKey, tenants, since }: KeyStand): KeyEncryptionKey {
  return {
    name: `keyEncryptionKeys/${id}`,
    state: states[state],
    kmsKey,
    tenantCount: BigInt(tenants),
    inUseSinceTime: since === null ? undefined : new Date(since),
  };
}
