import {
  KeyEncryptionKeyState,
  type ListKeyEncryptionKeysResponse,
} from '@postrider/contract/postrider/v1/secret_service';
import { shortName } from '../names.ts';
import type { Finding } from './finding.ts';

/** After this a key that everything is sealed under should be followed by another. */
const OLD_MS = 365 * 86_400_000;

/** What is wrong with the keys that secrets are sealed under, and with how old secrets are. */
export function keyFindings(told: ListKeyEncryptionKeysResponse, now: number): Finding[] {
  const findings: Finding[] = [];
  for (const { name, state, tenantCount, inUseSinceTime } of told.keyEncryptionKeys) {
    const id = shortName(name);
    if (state === KeyEncryptionKeyState.MISSING) {
      const what = `The control plane lacks key ${id}, and the data keys of ${tenantCount} tenants are sealed under it.`;
      const action = 'Put it behind the first key of POSTRIDER_KEK: without it nothing of these tenants can be signed.';
      findings.push({ code: 'key-missing', severity: 'error', what, action });
    }
    const ageMs = inUseSinceTime === undefined ? 0 : now - inUseSinceTime.getTime();
    if (state === KeyEncryptionKeyState.PRIMARY && ageMs > OLD_MS) {
      const what = `Key ${id} has been in use for ${Math.floor(ageMs / 86_400_000)} days.`;
      const action = 'Put a new key in front of it: docs/operations/secrets.md tells how.';
      findings.push({ code: 'key-old', severity: 'warning', what, action });
    }
  }
  if (told.toResealCount > 0n) {
    const what = `The data keys of ${told.toResealCount} tenants are still to be sealed under the primary key.`;
    const action = 'That goes on by itself; keep the other keys until "postrider key list" says that it is done.';
    findings.push({ code: 'keys-resealing', severity: 'info', what, action });
  }
  if (told.oldSecretCount > 0n) {
    const what = `${told.oldSecretCount} of ${told.secretCount} signing secrets are older than a year.`;
    const action = '"postrider secret rotate" gives an endpoint a new one, with an overlap.';
    findings.push({ code: 'secrets-old', severity: 'info', what, action });
  }
  return findings;
}
