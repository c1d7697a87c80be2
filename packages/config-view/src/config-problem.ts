/** Why a record of the `config` topic did not take effect. */
export type ConfigProblemCode =
  /** The record has no key, or one that is not `<kind>/<id>`. */
  | 'key_unreadable'
  /** The value, or the header of a deletion, is no ConfigRecord. */
  | 'record_unreadable'
  /** The record stands under another key than it names. */
  | 'key_mismatch'
  /** The kind is one that this version does not know. */
  | 'kind_unknown'
  /** The entity, or a value in it that decides what is delivered, is one that this version does not know. */
  | 'entity_unknown'
  /** The entity's schema is newer than this version. */
  | 'schema_newer'
  /** The entity contradicts its key or itself. */
  | 'entity_invalid'
  /** A layout or writer claim cannot be deleted. */
  | 'deletion_refused'
  /** Written by a writer after a newer one had claimed the topic. */
  | 'stale_writer';

/**
 * A record that did not take effect. For all codes but `stale_writer` it is kept aside: what held before still holds, and
 * the entity is reported as unreadable until a newer readable record of its key comes.
 */
export interface ConfigProblem {
  readonly code: ConfigProblemCode;
  /** The record's key as text; empty when it has none. */
  readonly key: string;
  readonly offset: number;
  /** One sentence for an operator. Never holds a value of the record. */
  readonly detail: string;
}
