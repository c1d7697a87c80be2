import type { Command } from 'commander';
import { EndpointTls, TlsVersion } from '@postrider/contract/postrider/v1/endpoint';
import type { Endpoint, EndpointAuth, VerificationMode } from '@postrider/contract/postrider/v1/endpoint';
import { CliError, exitCodes } from '../cli-error.ts';
import { readNamedFile, readNamedSecret } from '../named-file.ts';
import type { CliContext } from '../context.ts';
import { collect, parseVerification } from '../parse.ts';

/** The options by which an endpoint knows that it is Postrider, and agrees to it. Secrets come from files, never from the command line. */
export interface AccessOptions {
  readonly auth?: string;
  readonly authSecretFile?: string;
  readonly tokenUrl?: string;
  readonly scope: readonly string[];
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsMin?: string;
  readonly verification?: VerificationMode;
}

/** Adds these options to a command. */
export function addAccessOptions(command: Command): Command {
  return command
    .option('--auth <none|basic:…|bearer|oauth2:…>', 'show who we are: a user name, a token, or a client id')
    .option('--auth-secret-file <file>', 'the password, token or client secret; one line break at its end is left out')
    .option('--token-url <url>', 'where the client of --auth oauth2:… gets its tokens')
    .option('--scope <scope>', 'scope of the tokens; may be given several times', collect, [])
    .option('--tls-ca <file>', 'PEM certificates trusted instead of the public roots; "" for the public roots')
    .option('--tls-cert <file>', 'PEM client certificate with its chain; "" for none')
    .option('--tls-key <file>', 'PEM key of the client certificate')
    .option('--tls-min <1.2|1.3>', 'oldest TLS version that is accepted')
    .option('--verification <none|cloudevents|challenge>', 'ask first whether it wants events', parseVerification);
}

/** The endpoint's fields that the options set, and the paths of a field mask for just these. */
export function accessFields(
  options: AccessOptions,
  { cwd }: Pick<CliContext, 'cwd'>,
): { endpoint: Partial<Endpoint>; paths: string[] } {
  const read: Read = (flag, file) => readNamedFile(cwd, flag, file);
  const endpoint: Partial<Endpoint> = {};
  const paths: string[] = [];
  const { auth, verification } = options;
  if (auth !== undefined) {
    endpoint.auth = authOf(auth, options, cwd);
    paths.push('auth');
  } else if (options.authSecretFile !== undefined || options.tokenUrl !== undefined || options.scope.length > 0) {
    throw new CliError(exitCodes.usage, '--auth-secret-file, --token-url and --scope are for an --auth.');
  }
  setTls(options, read, endpoint, paths);
  if (verification !== undefined) {
    endpoint.verification = verification;
    paths.push('verification');
  }
  return { endpoint, paths };
}

type Read = (flag: string, file: string) => string;

function authOf(
  text: string,
  { authSecretFile, tokenUrl, scope }: AccessOptions,
  cwd: string,
): EndpointAuth | undefined {
  const [, word, who = ''] = /^(none|basic|bearer|oauth2)(?::(.+))?$/s.exec(text) ?? [];
  // Left out, the stored one is meant.
  const secret = authSecretFile === undefined ? '' : readNamedSecret(cwd, '--auth-secret-file', authSecretFile);
  if (word === 'none' && who === '') return undefined;
  if (word === 'bearer' && who === '') return { method: { $case: 'bearer', value: { token: secret } } };
  if (word === 'basic' && who !== '') {
    return { method: { $case: 'basic', value: { username: who, password: secret } } };
  }
  if (word === 'oauth2' && who !== '') {
    const value = { tokenUrl: tokenUrl ?? '', clientId: who, clientSecret: secret, scopes: [...scope] };
    return { method: { $case: 'oauth2', value } };
  }
  const wanted = 'none, basic:<user>, bearer, oauth2:<client id>';
  throw new CliError(exitCodes.usage, `--auth: "${text}" is none of: ${wanted}.`);
}

/** Each part by itself: an update of one leaves the others as they are. */
function setTls({ tlsCa, tlsCert, tlsKey, tlsMin }: AccessOptions, read: Read, to: Partial<Endpoint>, paths: string[]) {
  const tls: Partial<EndpointTls> = {};
  const set = (path: string, part: Partial<EndpointTls>): void => {
    Object.assign(tls, part);
    paths.push(`tls.${path}`);
  };
  const pem: Read = (flag, file) => (file === '' ? '' : read(flag, file));
  if (tlsCa !== undefined) set('ca_pem', { caPem: pem('--tls-ca', tlsCa) });
  if (tlsCert !== undefined) set('client_certificate_pem', { clientCertificatePem: pem('--tls-cert', tlsCert) });
  if (tlsKey !== undefined) set('client_key_pem', { clientKeyPem: read('--tls-key', tlsKey) });
  if (tlsMin !== undefined) set('min_version', { minVersion: tlsVersion(tlsMin) });
  if (Object.keys(tls).length > 0) to.tls = EndpointTls.fromPartial(tls);
}

function tlsVersion(text: string): TlsVersion {
  if (text === '1.2') return TlsVersion.TLS_VERSION_1_2;
  if (text === '1.3') return TlsVersion.TLS_VERSION_1_3;
  throw new CliError(exitCodes.usage, `--tls-min: "${text}" is neither 1.2 nor 1.3.`);
}
