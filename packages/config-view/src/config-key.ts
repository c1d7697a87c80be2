/** The kinds of entities on the `config` topic; the first part of a record's key. */
export const configKinds = [
  'tenant',
  'endpoint',
  'subscription',
  'layout',
  'writer',
  'api-key',
  'pause',
  'drain',
  'role-binding',
  'event-type',
  'egress-address',
  'operation',
] as const;
export type ConfigKind = (typeof configKinds)[number];

/** Key of the record that holds the layout. */
export const LAYOUT_KEY = 'layout/current';
/** Key of the record that holds the newest writer claim. */
export const WRITER_KEY = 'writer/current';

/** The key of an entity's record: `<kind>/<id>`. */
export function configKey(kind: ConfigKind, id: string): string {
  return `${kind}/${id}`;
}

/** Kind and id of a key; the kind is null when this version does not know it, the whole is null when it is no key. */
export function parseConfigKey(key: string): { readonly kind: ConfigKind | null; readonly id: string } | null {
  const slash = key.indexOf('/');
  if (slash < 1 || slash === key.length - 1) return null;
  const name = key.slice(0, slash);
  return { kind: configKinds.find((kind) => kind === name) ?? null, id: key.slice(slash + 1) };
}
