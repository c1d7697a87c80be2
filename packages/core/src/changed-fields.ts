import { isDeepStrictEqual } from 'node:util';
import { auditedFields } from '@postrider/contract/postrider/v1/audited-fields';
import { limits } from './limits.ts';
import type { AuditedChange } from '@postrider/contract/postrider/v1/audit';

/** What the contract says of one field; none of a field that it does not know. */
interface Field {
  readonly name: string;
  readonly secret?: boolean;
  readonly message?: string;
  readonly many?: string;
}

type Json = Readonly<Record<string, unknown>>;

const tables: Readonly<Record<string, Readonly<Record<string, Field>>>> = auditedFields;
/** What is shown of a secret that is set. */
const SECRET = '[secret]';

/**
 * The fields in which two states of a message differ, both as JSON with the names of its properties; undefined: there was
 * none, or is none any more. Of secrets, and of what the contract does not know, only that they differ; longer values than
 * `auditValueCharsMax` are cut.
 * @param message the message's name in the contract
 */
export function changedFields(message: string, before: unknown, after: unknown): AuditedChange[] {
  const changes: AuditedChange[] = [];
  compare(message, '', objectOf(before), objectOf(after), changes);
  return changes;
}

function compare(message: string, path: string, before: Json, after: Json, into: AuditedChange[]): void {
  const table = tables[message] ?? {};
  for (const key of new Set([...Object.keys(table), ...Object.keys(before), ...Object.keys(after)])) {
    if (before[key] === after[key] || isDeepStrictEqual(before[key], after[key])) continue;
    const field = fieldOf(table, key);
    const place = path + field.name;
    const isByKey = field.many === 'map' && (field.secret === true || field.message !== undefined);
    if (isByKey) compareMap(field, place, objectOf(before[key]), objectOf(after[key]), into);
    else if (field.message !== undefined && field.many === undefined)
      compare(field.message, `${place}.`, objectOf(before[key]), objectOf(after[key]), into);
    else into.push(changeOf(field, place, before[key], after[key]));
  }
}

function compareMap(field: Field, place: string, before: Json, after: Json, into: AuditedChange[]): void {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (isDeepStrictEqual(before[key], after[key])) continue;
    into.push(changeOf(field, `${place}.${key}`, before[key], after[key]));
  }
}

function fieldOf(table: Readonly<Record<string, Field>>, key: string): Field {
  return table[key] ?? { name: key, secret: true };
}

function changeOf(field: Field, place: string, before: unknown, after: unknown): AuditedChange {
  const [shownBefore, shownAfter] = [shown(field, before), shown(field, after)];
  const isSecret = [shownBefore, shownAfter].some((text) => text.includes(JSON.stringify(SECRET)));
  const most = limits.auditValueCharsMax;
  return {
    field: place,
    before: shownBefore.slice(0, most),
    after: shownAfter.slice(0, most),
    secret: field.secret === true || isSecret,
    cut: shownBefore.length > most || shownAfter.length > most,
  };
}

function shown(field: Field, value: unknown): string {
  return value === undefined ? '' : JSON.stringify(withoutSecrets(field, value));
}

function withoutSecrets(field: Field, value: unknown): unknown {
  if (field.secret === true) return SECRET;
  const { message } = field;
  if (message === undefined) return value;
  const table = tables[message] ?? {};
  const one = (inner: unknown): unknown =>
    Object.fromEntries(
      Object.entries(objectOf(inner)).map(([key, part]) => {
        const known = fieldOf(table, key);
        return [known.name, withoutSecrets(known, part)];
      }),
    );
  if (field.many === 'list') return (value as readonly unknown[]).map(one);
  if (field.many === 'map')
    return Object.fromEntries(Object.entries(objectOf(value)).map(([key, part]) => [key, one(part)]));
  return one(value);
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
