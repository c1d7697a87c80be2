import { awsEnv } from './aws/aws-env.ts';
import { secret } from './env-fields.ts';

/** Key-encryption keys and how the KMS that has them is reached: the same for the control plane and the dispatchers. */
export const keysEnv = {
  kek: secret('POSTRIDER_KEK', {
    says: 'Key-encryption keys, the first of which seals and all of which open: [secrets](secrets.md#key-encryption-keys).',
  }),
  callKey: secret('POSTRIDER_CALL_KEY', {
    optional: true,
    says: "By which processes know each other's calls where a KMS keeps all keys: [secrets](secrets.md#aws-kms).",
  }),
  ...awsEnv,
} as const;
