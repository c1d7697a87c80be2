import { secret, text, url } from '../env-fields.ts';
import type { SystemClock } from '../clock.ts';
import type { EnvValues } from '../env.ts';
import { hostOf, isLoopback } from '../tls-channel.ts';
import { awsEndpoint } from './endpoint.ts';
import { awsKeys, type AwsKeySource } from './keys.ts';
import { awsKmsKey, type AwsKmsKey } from './kms.ts';

/** How AWS is reached: the variables that its own tools and clusters set, and where its KMS is if not where it usually is. */
export const awsEnv = {
  accessKeyId: text('AWS_ACCESS_KEY_ID', { optional: true, says: 'Fixed keys of AWS, for a KMS.' }),
  secretAccessKey: secret('AWS_SECRET_ACCESS_KEY', { optional: true, says: 'The secret of these.' }),
  sessionToken: secret('AWS_SESSION_TOKEN', { optional: true, says: 'The session that they belong to.' }),
  agentUrl: url('AWS_CONTAINER_CREDENTIALS_FULL_URI', {
    optional: true,
    says: 'An agent that lends keys: EKS Pod Identity, ECS.',
  }),
  agentTokenFile: text('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', {
    optional: true,
    hint: 'path of a file',
    says: 'What is shown to the agent; read each time.',
  }),
  roleArn: text('AWS_ROLE_ARN', { optional: true, says: 'The role of the service account, as EKS sets it.' }),
  webIdentityTokenFile: text('AWS_WEB_IDENTITY_TOKEN_FILE', {
    optional: true,
    hint: 'path of a file',
    says: 'The token by which that role is taken; read each time.',
  }),
  kmsEndpoint: url('POSTRIDER_AWS_KMS_ENDPOINT', {
    optional: true,
    says: 'Where the KMS of AWS is, if not where it usually is; https.',
  }),
} as const;

/** What opening and sealing by a KMS may take. */
export interface KmsSettings {
  readonly clock: Pick<SystemClock, 'now'>;
  readonly timeoutMs: number;
}

/**
 * Keys of AWS KMS by their ARNs, reached as the environment says.
 * @returns a function that throws an Error, without secrets, when no keys for AWS are set, or the text is no ARN
 */
export function awsKms(values: EnvValues<typeof awsEnv>, settings: KmsSettings): (arn: string) => AwsKmsKey {
  const { kmsEndpoint } = values;
  return (arn) => {
    if (kmsEndpoint?.protocol === 'http:' && !isLoopback(hostOf(kmsEndpoint.host))) {
      throw new Error('POSTRIDER_AWS_KMS_ENDPOINT must be an https URL: data keys travel there in plain form');
    }
    const source = sourceOf(values, arn);
    if (source === null) {
      throw new Error(
        'AWS gives no keys to ask its KMS with: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run with a role (AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or AWS_CONTAINER_CREDENTIALS_FULL_URI)',
      );
    }
    const keys = awsKeys(source, settings.clock);
    return awsKmsKey(arn, { keys, ...settings, ...(kmsEndpoint === undefined ? {} : { endpoint: kmsEndpoint }) });
  };
}

/** As AWS's own tools look for them: fixed ones first, then a role. */
function sourceOf(values: EnvValues<typeof awsEnv>, arn: string): AwsKeySource | null {
  const { accessKeyId, secretAccessKey, sessionToken, roleArn, webIdentityTokenFile, agentUrl, agentTokenFile } =
    values;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const token = sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() };
    return { kind: 'fixed', keys: { accessKeyId, secretAccessKey: secretAccessKey.reveal(), ...token } };
  }
  if (roleArn !== undefined && webIdentityTokenFile !== undefined) {
    const [, partition = '', , region = ''] = arn.split(':');
    const endpoint = awsEndpoint('sts', partition, region);
    return { kind: 'web-identity', roleArn, tokenFile: webIdentityTokenFile, endpoint };
  }
  if (agentUrl === undefined) return null;
  return { kind: 'agent', url: agentUrl, ...(agentTokenFile === undefined ? {} : { tokenFile: agentTokenFile }) };
}
