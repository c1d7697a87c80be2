/**
 * The feature release (8, 11, 17 …) out of what `java -version` prints, or undefined when there is none in it.
 * Both schemes are read: `1.8.0_292` (before JEP 223) and `17.0.15`, `21-ea`, `26`.
 */
export function parseJavaVersion(output: string): number | undefined {
  const match = /version "(\d+)(?:\.(\d+))?[^"]*"/.exec(output);
  if (match === null) return undefined;
  const first = Number(match[1]);
  return first === 1 && match[2] !== undefined ? Number(match[2]) : first;
}
