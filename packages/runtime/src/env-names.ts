/**
 * Whether Kubernetes made this variable: for every service `a-b` of a namespace it injects `A_B_SERVICE_HOST`,
 * `A_B_SERVICE_PORT[_NAME]`, `A_B_PORT` and `A_B_PORT_<n>_<PROTOCOL>[_PROTO|_PORT|_ADDR]` into every pod. A release
 * called `postrider` would otherwise keep its own services from starting.
 */
export function isServiceLink(variable: string, value: string): boolean {
  if (/_SERVICE_HOST$/.test(variable)) return true;
  if (/_SERVICE_PORT(_[A-Z0-9_]+)?$/.test(variable)) return /^\d+$/.test(value);
  if (/_PORT_\d+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?$/.test(variable)) return true;
  return /_PORT$/.test(variable) && /^(tcp|udp|sctp):\/\//.test(value);
}

/** The known name that differs least from `name`, if at most a third of its letters differ. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.floor(name.length / 3) + 1;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions and replacements of single letters that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
