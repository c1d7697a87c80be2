/** Units by the letters that stand behind a number in a setting, the smallest first. */
type Units = Readonly<Record<string, number>>;

/** Units of time, in milliseconds. */
export const millisecondsOf: Units = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

/** Units of size, in bytes. */
export const bytesOf: Units = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** A whole amount in the largest unit that leaves no rest, as a setting takes it: `30s`, `256KiB`. */
export function inUnits(amount: number, units: Units): string {
  const [name, size] = Object.entries(units).findLast(([, each]) => amount % each === 0 && amount >= each) ?? [];
  if (name === undefined || size === undefined) return `${amount}${Object.keys(units)[0]}`;
  return `${amount / size}${name}`;
}
