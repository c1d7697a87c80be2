/** JSON that says what a decoded message holds, without losing what JSON has no word for. */
export type Plain = null | string | number | boolean | readonly Plain[] | { readonly [name: string]: Plain };

/**
 * Turns a decoded message into JSON: int64 as `"123n"`, bytes as `"hex:00ff"`, times as `"time:2026-…Z"`; a field that is
 * absent is left out.
 */
export function plain(value: unknown): Plain {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Uint8Array) return `hex:${Buffer.from(value).toString('hex')}`;
  if (value instanceof Date) return `time:${value.toISOString()}`;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, one]) => [String(key), plain(one)]));
  if (typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, one]) => one !== undefined)
        .map(([name, one]) => [name, plain(one)]),
    );
  }
  throw new TypeError(`a message cannot hold a ${typeof value}`);
}

/**
 * Where what was decoded differs from what the golden JSON says. A field that the golden record does not know, because it
 * was added later, must have its default value; everything else must be equal.
 */
export function differs(golden: Plain, decoded: Plain, path = ''): string[] {
  if (isObject(golden) && isObject(decoded)) {
    const names = new Set([...Object.keys(golden), ...Object.keys(decoded)]);
    return [...names].flatMap((name) => {
      const [wanted, found] = [golden[name], decoded[name]];
      const here = `${path}.${name}`;
      if (wanted === undefined) return isDefault(found) ? [] : [`${here}: ${JSON.stringify(found)} came from nowhere`];
      return found === undefined ? [`${here} is lost`] : differs(wanted, found, here);
    });
  }
  if (Array.isArray(golden) && Array.isArray(decoded) && golden.length === decoded.length) {
    return golden.flatMap((one, index) => differs(one as Plain, decoded[index] as Plain, `${path}[${index}]`));
  }
  if (JSON.stringify(golden) === JSON.stringify(decoded)) return [];
  return [`${path}: ${JSON.stringify(golden)} has become ${JSON.stringify(decoded)}`];
}

function isObject(value: Plain): value is { readonly [name: string]: Plain } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDefault(value: Plain | undefined): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  if (value === '0n' || value === 'hex:') return true;
  // Every enum of the contract begins with it, as number 0.
  if (typeof value === 'string' && value.endsWith('_UNSPECIFIED')) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
