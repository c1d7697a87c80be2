/** As many records go into a request without being worth any wait. */
const RECORDS_FREE = 4;
/** What each further one is worth waiting for (ms). */
const MS_PER_RECORD = 0.5;
const MS_MAX = 3;

/**
 * How long the next request to a broker waits so that more goes into it (ms). A broker, and a client, pay for requests and for
 * the batches in them far more than for records; and how much the last request moved tells how much is coming. As long as
 * requests move a few records each nothing waits. When they move many they begin up to 3 ms apart, and so move many more; where
 * cores are scarce each takes longer than that, and nothing waits besides.
 * @param records that the last request moved
 * @param elapsedMs since it began
 * @param leastMs how far apart requests begin however little they move
 */
export function patienceMs(records: number, elapsedMs: number, leastMs = 0): number {
  const worth = Math.min(MS_MAX, Math.max(0, records - RECORDS_FREE) * MS_PER_RECORD);
  return Math.max(0, Math.max(worth, leastMs) - elapsedMs);
}
