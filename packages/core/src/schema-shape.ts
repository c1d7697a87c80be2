import { limits } from './limits.ts';
import type { FieldViolation } from './errors.ts';

/** Keywords of JSON Schema draft 2020-12 whose value is a schema, a list of schemas, or schemas by name. */
const single = ['additionalProperties', 'unevaluatedProperties', 'unevaluatedItems', 'items', 'contains'];
const conditional = ['propertyNames', 'not', 'if', 'then', 'else', 'contentSchema'];
const lists = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const maps = ['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'];
const numbers = ['multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength', 'minLength'];
const counts = ['maxItems', 'minItems', 'maxContains', 'minContains', 'maxProperties', 'minProperties'];
const notes = ['$comment', 'title', 'description', 'default', 'deprecated', 'readOnly', 'writeOnly', 'examples'];
const texts = ['format', 'contentEncoding', 'contentMediaType'];
const others = ['type', 'enum', 'const', 'pattern', 'uniqueItems', 'required', 'dependentRequired', '$ref'];
const known: ReadonlySet<string> = new Set(
  [single, conditional, lists, maps, numbers, counts, notes, texts, others].flat(),
);
const ofTheRoot: ReadonlySet<string> = new Set(['$schema', '$id']);
const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

type Members = Readonly<Record<string, unknown>>;

/**
 * What keeps a schema from being one whose every use is bounded, whatever the data: each keyword is known, each reference leads
 * within the schema and never back to where it stands, and with every reference written out there are `schemaPartsMax` parts at
 * most. So a body is walked so many times at most, and what compares all with all is bounded besides. Own keywords begin with
 * `x-`. It does not say that the schema is right.
 * @returns problems by JSON pointer, `#/properties/amount` for example; none when there are none
 */
export function schemaShapeProblems(schema: unknown): readonly FieldViolation[] {
  const walk = new Walk(schema);
  walk.count('#', schema);
  // Definitions that nothing refers to are looked at all the same.
  walk.look('#', schema);
  walk.checkIds('#', schema);
  return walk.problems;
}

class Walk {
  readonly problems: FieldViolation[] = [];
  readonly #root: unknown;
  /** Parts by pointer, with references written out; null while they are being counted. */
  readonly #counted = new Map<string, number | null>();
  readonly #looked = new Set<string>();
  #told = false;

  constructor(root: unknown) {
    this.#root = root;
  }

  /** How many parts a schema has when each of its references stands written out. */
  count(pointer: string, schema: unknown): number {
    const before = this.#counted.get(pointer);
    if (before === null) {
      this.#add(pointer, 'leads back to itself; a schema must not be recursive');
      return 0;
    }
    if (before !== undefined) return before;
    this.#counted.set(pointer, null);
    let parts = 1;
    for (const [at, part] of applied(pointer, schema)) parts += this.count(at, part);
    const { $ref } = membersOf(schema);
    if (typeof $ref === 'string') parts += this.#countTarget(pointer, $ref);
    if (parts > limits.schemaPartsMax && !this.#told) {
      this.#told = true;
      this.#add(pointer, `has more than ${limits.schemaPartsMax} parts with its references written out`);
    }
    parts = Math.min(parts, limits.schemaPartsMax + 1);
    this.#counted.set(pointer, parts);
    return parts;
  }

  /** Each keyword by itself. */
  look(pointer: string, schema: unknown): void {
    if (this.#looked.has(pointer)) return;
    this.#looked.add(pointer);
    if (typeof schema === 'boolean') return;
    if (!isObject(schema)) return this.#add(pointer, 'must be an object or a boolean');
    for (const name of Object.keys(schema)) this.#lookAt(pointer, name, schema);
    for (const [at, part] of [...applied(pointer, schema), ...defined(pointer, schema)]) {
      if (at.endsWith('/__proto__')) this.#add(at, 'is a name that cannot be described');
      this.look(at, part);
    }
  }

  /**
   * What stands below an `$id`, a keyword or not, is a document of its own to whoever follows references: they would lead
   * elsewhere than was counted here.
   */
  checkIds(pointer: string, value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, part] of Object.entries(value)) {
      const at = `${pointer}/${escaped(name)}`;
      if (name === '$id' && typeof part === 'string' && pointer !== '#') this.#add(at, 'may stand at the root alone');
      this.checkIds(at, part);
    }
  }

  #lookAt(pointer: string, name: string, schema: Members): void {
    const value = schema[name];
    const isKnown = known.has(name) || name.startsWith('x-') || (pointer === '#' && ofTheRoot.has(name));
    if (!isKnown)
      this.#add(`${pointer}/${name.slice(0, 64)}`, 'is no keyword that is supported; begin your own with x-');
    if (name === '$schema' && value !== DIALECT) this.#add(`${pointer}/$schema`, `must be ${DIALECT}`);
    if (name === 'uniqueItems' && value === true && !isAtMost(schema['maxItems'], limits.schemaUniqueItemsMax))
      this.#add(`${pointer}/uniqueItems`, `needs maxItems of at most ${limits.schemaUniqueItemsMax} beside it`);
    if (name === 'enum' && Array.isArray(value) && value.length > limits.schemaEnumMax)
      this.#add(`${pointer}/enum`, `has ${value.length} values; at most ${limits.schemaEnumMax} are allowed`);
    if (name === 'pattern') this.#checkPattern(`${pointer}/pattern`, value);
    if (name === 'patternProperties' && isObject(value))
      for (const pattern of Object.keys(value)) this.#checkPattern(`${pointer}/patternProperties`, pattern);
  }

  #checkPattern(pointer: string, pattern: unknown): void {
    if (typeof pattern === 'string' && pattern.length <= limits.schemaPatternMax) return;
    this.#add(pointer, `must be a text of at most ${limits.schemaPatternMax} characters`);
  }

  #countTarget(pointer: string, ref: string): number {
    const target = ref === '#' ? this.#root : targetOf(this.#root, ref);
    if (target !== undefined) {
      // It may stand where no schema is looked for.
      this.look(ref, target);
      return this.count(ref, target);
    }
    this.#add(`${pointer}/$ref`, 'must lead to a schema within this one, as in #/$defs/money');
    return 0;
  }

  #add(field: string, description: string): void {
    this.problems.push({ field, description });
  }
}

/** The schemas that data are held against along with this one. */
function* applied(pointer: string, schema: unknown): Generator<readonly [string, unknown]> {
  const members = membersOf(schema);
  for (const name of [...single, ...conditional]) {
    if (Object.hasOwn(members, name)) yield [`${pointer}/${name}`, members[name]];
  }
  for (const name of lists) {
    const list = Object.hasOwn(members, name) ? members[name] : [];
    if (Array.isArray(list)) for (const [i, part] of list.entries()) yield [`${pointer}/${name}/${i}`, part];
  }
  for (const name of maps) if (!isDefinitions(name)) yield* named(pointer, name, members);
}

/** The schemas that wait to be referred to. */
function* defined(pointer: string, schema: unknown): Generator<readonly [string, unknown]> {
  for (const name of maps) if (isDefinitions(name)) yield* named(pointer, name, membersOf(schema));
}

function* named(pointer: string, name: string, members: Members): Generator<readonly [string, unknown]> {
  const map = Object.hasOwn(members, name) ? members[name] : undefined;
  if (!isObject(map)) return;
  for (const [key, part] of Object.entries(map)) yield [`${pointer}/${name}/${escaped(key)}`, part];
}

function isDefinitions(name: string): boolean {
  return name === '$defs' || name === 'definitions';
}

/** RFC 6901, as a fragment that needs no percent signs: a reference that has some leads nowhere. */
function targetOf(root: unknown, ref: string): unknown {
  if (!ref.startsWith('#/') || ref.includes('%')) return undefined;
  let at: unknown = root;
  for (const token of ref.slice('#/'.length).split('/')) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Members)[key];
  }
  return isObject(at) || typeof at === 'boolean' ? at : undefined;
}

function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function membersOf(schema: unknown): Members {
  return isObject(schema) ? schema : {};
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAtMost(value: unknown, most: number): boolean {
  return typeof value === 'number' && value <= most;
}
