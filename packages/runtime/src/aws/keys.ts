import { readFileSync } from 'node:fs';
import { ask } from '../ask.ts';
import { ANSWER_BYTES_MAX, fieldsOf } from './json.ts';
import { stsCredentials, stsErrorCode } from './sts-answer.ts';
import type { SystemClock } from '../clock.ts';
import type { AwsKeys } from './sign-request.ts';

/** Where the keys come from. */
export type AwsKeySource =
  | { readonly kind: 'fixed'; readonly keys: AwsKeys }
  /** An agent beside the process lends them: EKS Pod Identity, ECS. */
  | { readonly kind: 'agent'; readonly url: URL; readonly tokenFile?: string }
  /** A token of the cluster is changed for them: IAM roles for service accounts. */
  | { readonly kind: 'web-identity'; readonly roleArn: string; readonly tokenFile: string; readonly endpoint: URL };

/**
 * Gives keys that are good for a while yet, and other ones than `ended`, which AWS does not take any more. Rejects with what is
 * wrong; it shows no key.
 */
export type GetAwsKeys = (ended?: AwsKeys) => Promise<AwsKeys>;

interface Lent {
  readonly keys: AwsKeys;
  /** ms since the Unix epoch. */
  readonly until: number;
}

/** Others are asked for so long before the end of lent keys; meanwhile these are used, and nobody waits. */
const RENEWED_BEFORE_MS = 5 * 60_000;
/** How often they are asked for while that fails. */
const TRIED_EVERY_MS = 10_000;
const TIMEOUT_MS = 3_000;

/** Keys from their source; lent ones are asked for anew before they end, by one at a time. */
export function awsKeys(source: AwsKeySource, clock: Pick<SystemClock, 'now'>): GetAwsKeys {
  if (source.kind === 'fixed') return () => Promise.resolve(source.keys);
  let lent: Lent | null = null;
  let asking: Promise<Lent> | null = null;
  let triedAt = -Infinity;

  async function renew(): Promise<Lent> {
    triedAt = clock.now();
    const next = await borrow(source as Exclude<AwsKeySource, { kind: 'fixed' }>);
    if (next.until <= clock.now())
      throw new Error('what was lent has ended already: is the clock of this machine right?');
    return (lent = next);
  }

  const asked = (): Promise<Lent> =>
    (asking ??= renew().finally(() => {
      asking = null;
    }));

  return async (ended) => {
    const now = clock.now();
    if (lent === null || lent.until <= now || lent.keys === ended) return (await asked()).keys;
    const isDue = lent.until - RENEWED_BEFORE_MS <= now && now - triedAt >= TRIED_EVERY_MS;
    // What fails is tried again, and told when these have ended.
    if (isDue) asked().catch(() => undefined);
    return lent.keys;
  };
}

const bounds = { bytesMax: ANSWER_BYTES_MAX, timeoutMs: TIMEOUT_MS } as const;

async function borrow(source: Exclude<AwsKeySource, { kind: 'fixed' }>): Promise<Lent> {
  return source.kind === 'agent' ? fromAgent(source) : fromWebIdentity(source);
}

async function fromAgent({ url, tokenFile }: AwsKeySource & { kind: 'agent' }): Promise<Lent> {
  const headers = tokenFile === undefined ? {} : { authorization: readFileSync(tokenFile, 'utf8').trim() };
  const answer = await ask({ method: 'GET', url, headers, ...bounds });
  if (answer.status !== 200) throw new Error(`the agent lends no keys: HTTP ${answer.status}`);
  const read = lentFields(answer.body);
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken, Expiration } = read;
  return lentOf({ accessKeyId, secretAccessKey, sessionToken, until: Date.parse(String(Expiration)) });
}

async function fromWebIdentity(source: AwsKeySource & { kind: 'web-identity' }): Promise<Lent> {
  const body = new URLSearchParams({
    ...{ Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', RoleArn: source.roleArn },
    ...{ RoleSessionName: 'postrider', WebIdentityToken: readFileSync(source.tokenFile, 'utf8').trim() },
  }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  const answer = await ask({ method: 'POST', url: source.endpoint, headers, body, ...bounds });
  if (answer.status !== 200) {
    const code = stsErrorCode(answer.body) ?? 'no reason';
    throw new Error(`the cluster's token is changed for no keys: ${code} (HTTP ${answer.status})`);
  }
  const given = stsCredentials(answer.body);
  if (given === null) throw new Error('what was lent is no JSON, and no XML');
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = given;
  const until = typeof expiration === 'number' ? expiration * 1_000 : Date.parse(String(expiration));
  return lentOf({ accessKeyId, secretAccessKey, sessionToken, until });
}

function lentFields(body: string): Readonly<Record<string, unknown>> {
  const fields = fieldsOf(body);
  if (fields === null) throw new Error('what was lent is no JSON');
  return fields;
}

interface Given {
  readonly accessKeyId: unknown;
  readonly secretAccessKey: unknown;
  readonly sessionToken: unknown;
  readonly until: number;
}

function lentOf({ accessKeyId, secretAccessKey, sessionToken, until }: Given): Lent {
  if (!isText(accessKeyId) || !isText(secretAccessKey) || !isText(sessionToken) || Number.isNaN(until)) {
    throw new Error('what was lent are no keys');
  }
  return { keys: { accessKeyId, secretAccessKey, sessionToken }, until };
}

/** As it may stand in a header. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);
}
