import { decodeBatches, type DecodedRecords } from '../record-decode.ts';

/** What `decodeBatches` yields, in one piece. */
export function decodeAll(...[bytes, position, aborted]: Parameters<typeof decodeBatches>): DecodedRecords {
  const portions = [...decodeBatches(bytes, position, aborted)];
  return {
    records: portions.flatMap(({ records }) => records),
    nextOffset: portions.at(-1)?.nextOffset ?? position.fetchOffset,
  };
}
