import { createPolicy, type AddressPolicy, type PolicyOptions } from './policy.ts';

/** The one rule for IPv6 there is, by the text that a policy file may state it with. */
const ipv6Rule = '2000::/3 minus IANA special-purpose';

const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isNumber = (value: unknown): boolean => typeof value === 'number';
const isPorts = (value: unknown): boolean => value === 'any' || (Array.isArray(value) && value.every(isNumber));

/**
 * Keys of a policy file. Loopback is none of them: only a process's own explicit switch opens it, so that no file that is
 * copied from a laptop does.
 */
const keys: Readonly<Record<string, readonly [fits: (value: unknown) => boolean, shape: string]>> = {
  allowHttp: [isFlag, 'true or false'],
  allowIpLiteral: [isFlag, 'true or false'],
  ports: [isPorts, '"any" or a list of numbers'],
  maxUrlBytes: [isNumber, 'a number'],
  maxAddresses: [isNumber, 'a number'],
  allowCidrs: [isTexts, 'a list of texts'],
  denyCidrs: [isTexts, 'a list of texts'],
  ownHosts: [isTexts, 'a list of texts'],
  nat64Prefixes: [isTexts, 'a list of texts'],
  ipv6: [(value) => value === ipv6Rule, JSON.stringify(ipv6Rule)],
  note: [isText, 'a text'],
};

/**
 * Reads a policy as JSON: the options of `createPolicy` but `allowLoopback`; `note` for people; `ipv6`, which can only state
 * the rule there is. What it leaves out is as `base` says. Throws a `RangeError` that names every key at fault: an unknown one
 * is a mistake, never ignored.
 */
export function parsePolicy(text: string, base: PolicyOptions = {}): AddressPolicy {
  const read = parseJson(text);
  if (typeof read !== 'object' || read === null || Array.isArray(read)) {
    throw new RangeError('a policy must be a JSON object');
  }
  const problems = Object.entries(read).flatMap(([key, value]) => problemOf(key, value) ?? []);
  if (problems.length > 0) throw new RangeError(problems.join('; '));
  return createPolicy({ ...base, ...(read as PolicyOptions) });
}

/** What is wrong with one key, by its value alone; null: nothing. */
function problemOf(key: string, value: unknown): string | null {
  const [fits, shape] = (Object.hasOwn(keys, key) ? keys[key] : undefined) ?? [];
  if (fits === undefined) return `${key}: no such key; there are ${Object.keys(keys).join(', ')}`;
  if (!fits(value)) return `${key}: must be ${shape}`;
  try {
    createPolicy({ [key]: value });
    return null;
  } catch (error) {
    return (error as RangeError).message;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RangeError(`a policy must be JSON: ${(error as Error).message}`, { cause: error });
  }
}
