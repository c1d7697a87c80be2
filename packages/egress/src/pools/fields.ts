/** The fields of one JSON object; each is asked for by name, and what is wrong is collected. */
export interface Fields {
  has(field: string): boolean;
  /** Undefined: absent, or wrong. */
  text(field: string): string | undefined;
  /** Empty: absent, or wrong. */
  texts(field: string): readonly string[];
  /** One of `words`; without `otherwise` it must be there. */
  word<const W extends string>(field: string, words: readonly [W, ...W[]], otherwise?: W): W;
  wrong(field: string, problem: string): void;
  /** Everything was asked for: what is left is unknown, and wrong. */
  end(): void;
}

/** The fields of `value`, which is told of as `where`. */
export function fieldsOf(value: unknown, where: string, problems: string[]): Fields {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject) problems.push(`${where} is not a JSON object`);
  const given = new Map<string, unknown>(isObject ? Object.entries(value) : []);
  const asked = new Set<string>();
  const wrong = (field: string, problem: string): void => void problems.push(`${where}: ${field} ${problem}`);
  const take = (field: string): unknown => {
    asked.add(field);
    return given.get(field);
  };
  return {
    has: (field) => given.has(field),
    text(field) {
      const found = take(field);
      if (found === undefined || (typeof found === 'string' && found !== '')) return found;
      wrong(field, 'must be a text that is not empty');
      return undefined;
    },
    texts(field) {
      const found = take(field) ?? [];
      if (Array.isArray(found) && found.every((one) => typeof one === 'string')) return found;
      wrong(field, 'must be a list of texts');
      return [];
    },
    word(field, words, otherwise) {
      const found = take(field) ?? otherwise;
      const known = words.find((word) => word === found);
      if (known === undefined) wrong(field, `must be one of ${words.join(', ')}`);
      return known ?? words[0];
    },
    wrong,
    end() {
      for (const field of given.keys()) if (!asked.has(field)) wrong(field, 'is not known');
    },
  };
}
