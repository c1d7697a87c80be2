/**
 * Values of a generated enum by their number on the wire. Generated enums are string-valued and list their values in the
 * order of the numbers, which begin at 0 and have no gaps; a test holds every enum used here to it.
 */
export function enumTable<T extends string>(values: Readonly<Record<string, T>>): readonly T[] {
  return Object.entries(values).flatMap(([name, value]) => (name === 'UNRECOGNIZED' ? [] : [value]));
}

/** Numbers on the wire by value. A value that has no number (`UNRECOGNIZED`) is absent. */
export function enumNumbers<T extends string>(values: Readonly<Record<string, T>>): ReadonlyMap<T, number> {
  return new Map(enumTable(values).map((value, number) => [value, number]));
}
