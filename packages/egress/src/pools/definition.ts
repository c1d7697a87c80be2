import { X509Certificate } from 'node:crypto';
import { parseAddress } from '../address.ts';
import { judgeUrl } from '../url-rule.ts';
import { createPolicy } from '../policy.ts';
import { fieldsOf, type Fields } from './fields.ts';
import { isPoolName } from './name.ts';
import { proxyCredentials, type ProxyCredentials } from './proxy-credentials.ts';

/** How a connection takes the next of a pool's addresses: each in turn, or always the same for one endpoint. */
export type AddressChoice = 'in-turn' | 'sticky';

/** A forward proxy that speaks HTTP CONNECT. */
export interface ProxyDefinition {
  readonly hostname: string;
  readonly port: number;
  /** Whether the way to the proxy itself is TLS. */
  readonly tls: boolean;
  /** Certificates that the proxy's is checked against instead of the built-in ones; PEM. */
  readonly ca?: string;
  readonly credentials?: ProxyCredentials;
}

interface CommonDefinition {
  readonly name: string;
  /** What receivers see and may be told to expect. Empty: not declared. */
  readonly sourceAddresses: readonly string[];
  /** A page of the internet that answers a GET with the address that it was asked from, as text. */
  readonly echoUrl?: URL;
}

/** A named set of source addresses, or a forward proxy, as an operator defines it. */
export type PoolDefinition = CommonDefinition &
  (
    | { readonly kind: 'nat' }
    | { readonly kind: 'addresses'; readonly localAddresses: readonly string[]; readonly choice: AddressChoice }
    | { readonly kind: 'proxy'; readonly proxy: ProxyDefinition }
  );

/** Pools by name. */
export type PoolDefinitions = ReadonlyMap<string, PoolDefinition>;

const poolsMax = 64;
const addressesMax = 256;

/** What an echo page must be, besides reachable: judged again, with the real policy, when it is asked. */
const echoPolicy = createPolicy({ allowHttp: true, allowLoopback: true, ports: 'any' });

/**
 * Reads the definitions of pools: a JSON object, pool by name. Files that it names are read by `readFile`.
 * @throws RangeError that names every pool and field at fault; never holds a secret
 */
export function parsePools(text: string, readFile: (path: string) => string): PoolDefinitions {
  const problems: string[] = [];
  const pools = new Map<string, PoolDefinition>();
  for (const [name, value] of Object.entries(objectOf(text))) {
    if (!isPoolName(name)) {
      problems.push(`${JSON.stringify(name.slice(0, 64))} is no name of a pool (1–63 of a–z, 0–9 and -)`);
      continue;
    }
    const fields = fieldsOf(value, `pool ${name}`, problems);
    pools.set(name, poolOf(name, fields, readFile));
    fields.end();
  }
  if (pools.size > poolsMax) problems.push(`has ${pools.size} pools; at most ${poolsMax} are allowed`);
  if (problems.length > 0) throw new RangeError(problems.join('; '));
  return pools;
}

function objectOf(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RangeError('the pools are not valid JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new RangeError('the pools must be a JSON object, pool by name');
}

function poolOf(name: string, fields: Fields, readFile: (path: string) => string): PoolDefinition {
  const kind = fields.word('kind', ['nat', 'addresses', 'proxy']);
  const declared = addresses(fields, 'sourceAddresses');
  const echo = fields.text('echoUrl');
  const common = { name, ...(echo === undefined ? {} : { echoUrl: echoUrlOf(fields, echo, declared) }) };
  switch (kind) {
    case 'addresses': {
      const localAddresses = addresses(fields, 'localAddresses');
      if (localAddresses.length === 0) fields.wrong('localAddresses', 'must name at least one address');
      const choice = fields.word('choice', ['in-turn', 'sticky'], 'in-turn');
      // Behind a translation of addresses receivers see others than the machine has.
      const sourceAddresses = declared.length > 0 ? declared : localAddresses;
      return { ...common, kind, sourceAddresses, localAddresses, choice };
    }
    case 'proxy':
      return { ...common, kind, sourceAddresses: declared, proxy: proxyOf(fields, readFile) };
    case 'nat':
      return { ...common, kind, sourceAddresses: declared };
  }
}

function addresses(fields: Fields, field: string): readonly string[] {
  const list = fields.texts(field);
  if (list.length > addressesMax) fields.wrong(field, `has more than ${addressesMax} addresses`);
  for (const address of list) {
    if (parseAddress(address) === undefined) fields.wrong(field, `${JSON.stringify(address)} is not an IP address`);
  }
  if (new Set(list).size < list.length) fields.wrong(field, 'names an address twice');
  return list;
}

function echoUrlOf(fields: Fields, text: string, declared: readonly string[]): URL {
  const verdict = judgeUrl(text, echoPolicy);
  if (verdict.verdict === 'deny') fields.wrong('echoUrl', verdict.detail);
  const isNamed = declared.length > 0 || fields.has('localAddresses');
  if (!isNamed) fields.wrong('echoUrl', 'needs sourceAddresses, to compare what it answers with');
  return verdict.verdict === 'allow' ? verdict.url : new URL('https://invalid.invalid');
}

function proxyOf(fields: Fields, readFile: (path: string) => string): ProxyDefinition {
  const url = URL.parse(fields.text('proxyUrl') ?? '');
  if (url === null || !['http:', 'https:'].includes(url.protocol) || `${url.pathname}${url.search}${url.hash}` !== '/')
    fields.wrong('proxyUrl', 'must be http://host:port or https://host:port');
  if (`${url?.username}${url?.password}` !== '')
    fields.wrong('proxyUrl', 'must not hold a user name or password: use username and passwordFile');
  const file = (field: string): string | undefined => {
    const path = fields.text(field);
    if (path === undefined) return undefined;
    try {
      return readFile(path);
    } catch (error) {
      const { code = 'unknown error' } = error as NodeJS.ErrnoException;
      fields.wrong(field, `names a file that cannot be read: ${JSON.stringify(path)} (${code})`);
      return undefined;
    }
  };
  const ca = file('caFile');
  if (ca !== undefined && !isCertificate(ca)) fields.wrong('caFile', 'names a file without certificates in PEM form');
  const credentials = credentialsOf(fields, file('passwordFile'));
  const tls = url?.protocol === 'https:';
  return {
    hostname: (url?.hostname ?? '').replace(/^\[|\]$/g, ''),
    port: Number(url?.port) || (tls ? 443 : 80),
    tls,
    ...(ca === undefined ? {} : { ca }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

/** TLS passes over what it cannot read, trusts nobody then, and would blame the proxy. */
function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== '';
  } catch {
    return false;
  }
}

/** RFC 7617: a user name holds no colon. */
function credentialsOf(fields: Fields, password: string | undefined): ProxyCredentials | undefined {
  const username = fields.text('username');
  if (username === undefined && !fields.has('passwordFile')) return undefined;
  if (username === undefined || !fields.has('passwordFile'))
    fields.wrong('username', 'and passwordFile must be given together');
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[:\u0000-\u001f\u007f]/.test(username ?? ''))
    fields.wrong('username', 'must not hold a colon or control characters');
  return proxyCredentials(username ?? '', fields.text('passwordFile') ?? '', password ?? '');
}
