/** What a body says of itself, so that the sink can tell how long it was on its way. */
export interface Stamp {
  /** When it was to be sent (`monotonicMs`), however late the sender was. */
  readonly at: number;
  readonly stream: number;
  /** In its stream, from 0 on. */
  readonly number: number;
}

const AT_DIGITS = 16;
const STREAM_DIGITS = 3;
const NUMBER_DIGITS = 9;
const AT_FROM = '{"at":"'.length;
const STREAM_FROM = AT_FROM + AT_DIGITS + '","stream":"'.length;
const NUMBER_FROM = STREAM_FROM + STREAM_DIGITS + '","number":"'.length;

/** Bytes of a body that hold its stamp. */
export const STAMP_BYTES = NUMBER_FROM + NUMBER_DIGITS;

/** JSON of exactly that many bytes, the stamp in front. */
export function timedBody({ at, stream, number }: Stamp, bytes: number): Buffer {
  const time = at.toFixed(3).padStart(AT_DIGITS, '0');
  const head = `{"at":"${time}","stream":"${pad(stream, STREAM_DIGITS)}","number":"${pad(number, NUMBER_DIGITS)}","padding":"`;
  const body = Buffer.alloc(Math.max(bytes, head.length + 2), 'a');
  body.write(head, 0, 'latin1');
  body.write('"}', body.length - 2, 'latin1');
  return body;
}

/** Reads it back; null: it is no such body. */
export function stampOf(body: Buffer): Stamp | null {
  const text = body.toString('latin1', 0, STAMP_BYTES);
  const stamp = {
    at: Number(text.slice(AT_FROM, AT_FROM + AT_DIGITS)),
    stream: Number(text.slice(STREAM_FROM, STREAM_FROM + STREAM_DIGITS)),
    number: Number(text.slice(NUMBER_FROM)),
  };
  const isStamp = text.startsWith('{"at":"') && Object.values(stamp).every((value) => !Number.isNaN(value));
  return isStamp ? stamp : null;
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');
