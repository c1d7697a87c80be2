/** A flag that takes a whole number from `least` to `most`, both included. */
export interface NumberRange {
  readonly flag: string;
  readonly least: number;
  readonly most: number;
}

/** Reads the number. @throws RangeError that names the flag */
export function numberOf({ flag, least, most }: NumberRange, text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new RangeError(`--${flag} must be a whole number of ${least}–${most}, not '${text}'`);
}
