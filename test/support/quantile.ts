/** The value below which `fraction` of all lie, of sorted or unsorted numbers; 0 of none. */
export function quantile(values: readonly number[] | Float64Array, fraction: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0;
}
