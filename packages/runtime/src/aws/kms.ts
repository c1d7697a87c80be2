import { awsEndpoint } from './endpoint.ts';
import { ask } from '../ask.ts';
import { ANSWER_BYTES_MAX, fieldsOf } from './json.ts';
import { signRequest } from './sign-request.ts';
import type { SystemClock } from '../clock.ts';
import type { GetAwsKeys } from './keys.ts';
import type { AwsKeys } from './sign-request.ts';

/** A key of AWS KMS: seals and opens small things there, bound to a context. */
export interface AwsKmsKey {
  /** Its ARN. */
  readonly label: string;
  encrypt(plaintext: Buffer, context: Readonly<Record<string, string>>): Promise<Buffer>;
  decrypt(ciphertext: Buffer, context: Readonly<Record<string, string>>): Promise<Buffer>;
}

export interface AwsKmsOptions {
  readonly keys: GetAwsKeys;
  readonly clock: Pick<SystemClock, 'now'>;
  /** Instead of the region's own: an endpoint within the operator's network, for example. */
  readonly endpoint?: URL;
  readonly timeoutMs: number;
}

/** AWS KMS did not do as it was asked. Its message names the error and nothing that was sent. */
export class AwsKmsError extends Error {
  /** Asking again at once is of no use: not allowed, no such key, not sealed by it. */
  readonly refused: boolean;

  constructor(message: string, refused: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AwsKmsError';
    this.refused = refused;
  }
}

const arnForm = /^arn:(aws|aws-cn|aws-us-gov):kms:([a-z0-9-]+):\d{12}:key\/[A-Za-z0-9-]{1,128}$/;
/** Errors that time mends, though they come as faults of the request. */
const passing = new Set([
  'ThrottlingException',
  'LimitExceededException',
  'DependencyTimeoutException',
  'KeyUnavailableException',
  'KMSInternalException',
  'ExpiredTokenException',
  'RequestExpired',
]);

/**
 * A key of AWS KMS, over its HTTP API.
 * @param arn of the key itself: an alias may be another key tomorrow
 * @throws Error for a text that is no ARN of a key
 */
export function awsKmsKey(arn: string, { keys, clock, endpoint, timeoutMs }: AwsKmsOptions): AwsKmsKey {
  const [, partition, region] = arnForm.exec(arn) ?? [];
  if (partition === undefined || region === undefined) {
    throw new Error('it is no ARN of a KMS key, arn:aws:kms:<region>:<account>:key/<id>; an alias will not do');
  }
  const url = endpoint ?? awsEndpoint('kms', partition, region);

  /** Keys that KMS has said to be over. */
  let ended: AwsKeys | undefined;

  async function call(action: string, request: object, field: string): Promise<Buffer> {
    const body = JSON.stringify({ KeyId: arn, ...request });
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${action}` };
    const answer = await askKms(action, async () => {
      const unsigned = { method: 'POST', url, headers, body, region: region ?? '', service: 'kms' };
      const used = await keys(ended).catch((cause: unknown) => {
        throw new AwsKmsError(
          `${action}: there are no keys to ask AWS KMS with: ${(cause as Error).message}`,
          false,
          cause,
        );
      });
      const signed = signRequest(unsigned, used, new Date(clock.now()));
      const told = await ask({ method: 'POST', url, headers: signed, body, bytesMax: ANSWER_BYTES_MAX, timeoutMs });
      if (told.status !== 200 && typeOf(told.body) === 'ExpiredTokenException') ended = used;
      return told;
    });
    const value = answer[field];
    if (typeof value === 'string' && value !== '') return Buffer.from(value, 'base64');
    throw new AwsKmsError(`${action}: the answer holds no ${field}`, false);
  }

  return {
    label: arn,
    encrypt: (plaintext, context) =>
      call('Encrypt', { Plaintext: plaintext.toString('base64'), EncryptionContext: context }, 'CiphertextBlob'),
    decrypt: (ciphertext, context) =>
      call('Decrypt', { CiphertextBlob: ciphertext.toString('base64'), EncryptionContext: context }, 'Plaintext'),
  };
}

type Fields = Readonly<Record<string, unknown>>;

async function askKms(
  action: string,
  send: () => Promise<{ readonly status: number; readonly body: string }>,
): Promise<Fields> {
  let answer: { readonly status: number; readonly body: string };
  try {
    answer = await send();
  } catch (error) {
    if (error instanceof AwsKmsError) throw error;
    const { code, name } = error as NodeJS.ErrnoException;
    throw new AwsKmsError(`${action}: AWS KMS does not answer (${code ?? name})`, false, error);
  }
  const fields = fieldsOf(answer.body) ?? {};
  if (answer.status === 200) return fields;
  const told = typeOf(answer.body) ?? 'no reason';
  const refused = answer.status >= 400 && answer.status < 500 && answer.status !== 429 && !passing.has(told);
  throw new AwsKmsError(`${action}: AWS KMS answered ${told} (HTTP ${answer.status})`, refused);
}

/** The name of the error that KMS answers; null: it is none. */
function typeOf(body: string): string | null {
  const type = fieldsOf(body)?.['__type'];
  return typeof type === 'string' ? (/[A-Za-z]+$/.exec(type)?.[0] ?? null) : null;
}
