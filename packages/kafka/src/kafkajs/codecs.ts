import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { decompressFrameSync } from 'lz4-napi';
import { uncompress } from 'snappyjs';

/** No batch that a broker accepts unpacks to more; a bomb must not take the process down. */
const UNPACKED_BYTES_MAX = 256 * 1024 * 1024;
const limit = { maxOutputLength: UNPACKED_BYTES_MAX };

/** Java producers wrap snappy in blocks behind this mark, two version numbers (8 bytes) and then length and data of each block. */
const XERIAL_MARK = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** The records of a batch, unpacked. `codec` is the lower three bits of the batch's attributes; throws on an unknown one. */
export function unpack(codec: number, packed: Buffer): Buffer {
  switch (codec) {
    case 0:
      return packed;
    case 1:
      return gunzipSync(packed, limit);
    case 2:
      return unpackSnappy(packed);
    case 3:
      return decompressFrameSync(packed);
    case 4:
      return zstdDecompressSync(packed, limit);
    default:
      throw new RangeError(`record batches with compression ${codec} cannot be read`);
  }
}

function unpackSnappy(packed: Buffer): Buffer {
  if (!packed.subarray(0, XERIAL_MARK.length).equals(XERIAL_MARK)) return uncompress(packed, UNPACKED_BYTES_MAX);
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < packed.length;) {
    const length = packed.readInt32BE(at);
    blocks.push(uncompress(packed.subarray(at + 4, at + 4 + length), UNPACKED_BYTES_MAX));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}
