import { readFileSync } from 'node:fs';
import { ask, fieldsOf } from './post.ts';
import type { SystemClock } from '../clock.ts';
import type { AwsKeys } from './sign-request.ts';

/** Where the keys come from. */
export type AwsKeySource =
  | { readonly kind: 'fixed'; readonly keys: AwsKeys }
  /** An agent beside the process lends them: EKS Pod Identity, ECS. */
  | { readonly kind: 'agent'; readonly url: URL; readonly tokenFile?: string }
  /** A token of the cluster is changed for them: IAM roles for service accounts. */
  | { readonly kind: 'web-identity'; readonly roleArn: string; readonly tokenFile: string; readonly endpoint: URL };

/** Gives keys that are good for a while yet. Rejects with what is wrong; it shows no key. */
export type GetAwsKeys = () => Promise<AwsKeys>;

interface Lent {
  readonly keys: AwsKeys;
  /** ms since the Unix epoch. */
  readonly until: number;
}

/** Lent keys are given back so long before their end. */
const RENEWED_BEFORE_MS = 5 * 60_000;
const TIMEOUT_MS = 3_000;

/** Keys from their source; lent ones are asked for anew before they end, by one at a time. */
export function awsKeys(source: AwsKeySource, clock: Pick<SystemClock, 'now'>): GetAwsKeys {
  if (source.kind === 'fixed') return () => Promise.resolve(source.keys);
  let lent: Lent | null = null;
  let asking: Promise<Lent> | null = null;
  return async () => {
    const now = clock.now();
    if (lent !== null && lent.until - RENEWED_BEFORE_MS > now) return lent.keys;
    asking ??= borrow(source).finally(() => {
      asking = null;
    });
    try {
      lent = await asking;
    } catch (error) {
      // What is still good is used for as long as it is.
      if (lent === null || lent.until <= now) throw error;
    }
    return lent.keys;
  };
}

async function borrow(source: Exclude<AwsKeySource, { kind: 'fixed' }>): Promise<Lent> {
  return source.kind === 'agent' ? fromAgent(source) : fromWebIdentity(source);
}

async function fromAgent({ url, tokenFile }: AwsKeySource & { kind: 'agent' }): Promise<Lent> {
  const headers = tokenFile === undefined ? {} : { authorization: readFileSync(tokenFile, 'utf8').trim() };
  const answer = await ask({ method: 'GET', url, headers, body: '', timeoutMs: TIMEOUT_MS });
  if (answer.status !== 200) throw new Error(`the agent lends no keys: HTTP ${answer.status}`);
  const read = lentFields(answer.body);
  return lentOf([read['AccessKeyId'], read['SecretAccessKey'], read['Token'], read['Expiration']]);
}

async function fromWebIdentity(source: AwsKeySource & { kind: 'web-identity' }): Promise<Lent> {
  const body = new URLSearchParams({
    ...{ Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', RoleArn: source.roleArn },
    ...{ RoleSessionName: 'postrider', WebIdentityToken: readFileSync(source.tokenFile, 'utf8').trim() },
  }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  const answer = await ask({ method: 'POST', url: source.endpoint, headers, body, timeoutMs: TIMEOUT_MS });
  if (answer.status !== 200) throw new Error(`the cluster's token is changed for no keys: HTTP ${answer.status}`);
  const read = lentFields(answer.body) as {
    AssumeRoleWithWebIdentityResponse?: {
      AssumeRoleWithWebIdentityResult?: { Credentials?: Readonly<Record<string, unknown>> };
    };
  };
  const given = read.AssumeRoleWithWebIdentityResponse?.AssumeRoleWithWebIdentityResult?.Credentials ?? {};
  const { Expiration } = given;
  const until = typeof Expiration === 'number' ? new Date(Expiration * 1_000).toISOString() : Expiration;
  return lentOf([given['AccessKeyId'], given['SecretAccessKey'], given['SessionToken'], until]);
}

function lentFields(body: string): Readonly<Record<string, unknown>> {
  const fields = fieldsOf(body);
  if (fields === null) throw new Error('what was lent is no JSON');
  return fields;
}

function lentOf([accessKeyId, secretAccessKey, sessionToken, expiration]: readonly unknown[]): Lent {
  const until = Date.parse(String(expiration));
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string' || Number.isNaN(until)) {
    throw new Error('what was lent are no keys');
  }
  const token = typeof sessionToken === 'string' ? { sessionToken } : {};
  return { keys: { accessKeyId, secretAccessKey, ...token }, until };
}
