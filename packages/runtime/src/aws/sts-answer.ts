import { fieldsOf } from './json.ts';

/** What STS lends, as it stands in its answer. */
export interface StsCredentials {
  readonly accessKeyId: unknown;
  readonly secretAccessKey: unknown;
  readonly sessionToken: unknown;
  /** Seconds since the Unix epoch, or a time as text. */
  readonly expiration: unknown;
}

/**
 * Reads an answer of AssumeRoleWithWebIdentity, in JSON, which is asked for, or in XML, which the API is documented to answer.
 * Of XML only these elements are looked for, each once, with text of the letters that keys and times are written in: nothing
 * is expanded, and nothing else in it has any effect. Null: it is neither.
 */
export function stsCredentials(body: string): StsCredentials | null {
  if (body.trimStart().startsWith('<')) return ofXml(body);
  const read = fieldsOf(body) as {
    AssumeRoleWithWebIdentityResponse?: {
      AssumeRoleWithWebIdentityResult?: { Credentials?: Readonly<Record<string, unknown>> };
    };
  } | null;
  if (read === null) return null;
  const given = read.AssumeRoleWithWebIdentityResponse?.AssumeRoleWithWebIdentityResult?.Credentials ?? {};
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = given;
  const [accessKeyId, secretAccessKey, sessionToken] = [AccessKeyId, SecretAccessKey, SessionToken];
  return { accessKeyId, secretAccessKey, sessionToken, expiration: Expiration };
}

function ofXml(body: string): StsCredentials {
  const only = (name: string): string | undefined => {
    const found = [...body.matchAll(new RegExp(`<${name}>([A-Za-z0-9/+=_:.-]{1,16384})</${name}>`, 'g'))];
    return found.length === 1 ? found[0]?.[1] : undefined;
  };
  return {
    ...{ accessKeyId: only('AccessKeyId'), secretAccessKey: only('SecretAccessKey') },
    ...{ sessionToken: only('SessionToken'), expiration: only('Expiration') },
  };
}

/** The code of an error that STS answers, such as `ExpiredTokenException`; null: it names none. Nothing else of it is told. */
export function stsErrorCode(body: string): string | null {
  return /(?:<Code>|"Code"\s*:\s*")([A-Za-z.]{1,64})(?:<\/Code>|")/.exec(body)?.[1] ?? null;
}
