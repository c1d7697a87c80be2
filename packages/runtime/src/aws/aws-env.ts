import { secret, text, url } from '../env-fields.ts';
import type { SystemClock } from '../clock.ts';
import type { EnvValues } from '../env.ts';
import { hostOf, isLoopback } from '../tls-channel.ts';
import { awsEndpoint } from './endpoint.ts';
import { awsKeys, type AwsKeySource } from './keys.ts';
import { awsKmsKey, type AwsKmsKey } from './kms.ts';

/** How AWS is reached: the variables that its own tools and clusters set, and where its KMS is if not where it usually is. */
export const awsEnv = {
  accessKeyId: text('AWS_ACCESS_KEY_ID', { optional: true }),
  secretAccessKey: secret('AWS_SECRET_ACCESS_KEY', { optional: true }),
  sessionToken: secret('AWS_SESSION_TOKEN', { optional: true }),
  agentUrl: url('AWS_CONTAINER_CREDENTIALS_FULL_URI', { optional: true }),
  agentTokenFile: text('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', { optional: true }),
  roleArn: text('AWS_ROLE_ARN', { optional: true }),
  webIdentityTokenFile: text('AWS_WEB_IDENTITY_TOKEN_FILE', { optional: true }),
  kmsEndpoint: url('POSTRIDER_AWS_KMS_ENDPOINT', { optional: true }),
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
