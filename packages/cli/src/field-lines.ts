import { clean } from './table.ts';

/** Names with their values, a line each, aligned; what has no value is left out. */
export function fieldLines(fields: readonly (readonly [name: string, value: string])[]): string {
  return fields
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name.padEnd(15)} ${clean(value)}\n`)
    .join('');
}

/** `a=1, b=2` */
export function pairsText(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}
