/** Whether reading of one partition of a topic stands still although there is more to read. */
export interface ReadStall {
  /**
   * Looks at it again.
   * @param seen where reading goes on from and where the partition ends; null: it is not read at present, or nobody knows
   * @param now monotonic milliseconds
   * @returns for how long (ms) it has stood still; 0 when it does not
   */
  look(seen: { readonly position: number; readonly end: number } | null, now: number): number;
}

/** Reading that has not been looked at yet. */
export function createReadStall(): ReadStall {
  let position = -1;
  let since: number | null = null;
  return {
    look(seen, now) {
      if (seen === null || seen.position >= seen.end) since = null;
      else if (since === null || seen.position !== position) since = now;
      position = seen?.position ?? -1;
      return since === null ? 0 : now - since;
    },
  };
}
