import type { EventAttributes } from '@postrider/contract/postrider/v1/delivery';
import { checkedAttributes, emptyTexts, invalid, isAttributeName, malformed, tooLarge } from './event-rules.ts';
import { jsonMembers } from './json-members.ts';
import { limits } from './limits.ts';

/** An envelope may be larger than its data by its attributes, and by what base64 and escapes add. */
const ENVELOPE_FACTOR = 2;

/**
 * Reads an event in the JSON format of CloudEvents 1.0. The body is the data member byte for byte as it stands in the
 * source; only text data of another type than JSON, and base64, are decoded. `data` is the body's value where it is JSON.
 * @param bodyBytesMax largest body in bytes; much larger envelopes are refused before they are parsed
 * @throws EventFaultError
 */
export function readStructured(
  value: Buffer,
  bodyBytesMax: number,
): { readonly attributes: EventAttributes; readonly body: Buffer; readonly data?: unknown } {
  const envelopeMax = bodyBytesMax * ENVELOPE_FACTOR + limits.recordOverheadBytes;
  if (value.length > envelopeMax) throw tooLarge(value.length, envelopeMax);
  const texts = emptyTexts();
  const seen = new Set<string>();
  let data: { readonly value: unknown; readonly start: number; readonly end: number } | undefined;
  let base64: unknown;
  for (const member of jsonMembers(value, 'the event')) {
    if (seen.has(member.name)) throw invalid(member.name, 'the attribute stands more than once');
    seen.add(member.name);
    if (member.name === 'data') data = member;
    else if (member.name === 'data_base64') base64 = member.value;
    else if (!isAttributeName(member.name)) {
      throw invalid(member.name, 'names of attributes are lower-case letters and digits');
    } else if (member.value !== null) texts[member.name] = attributeText(member.name, member.value);
  }
  if (data && base64 !== undefined) throw malformed('data_base64', 'the event has both data and data_base64');
  const attributes = checkedAttributes(texts, (name) => name);
  if (base64 !== undefined) return { attributes, body: fromBase64(base64) };
  if (!data) return { attributes, body: value.subarray(0, 0) };
  // CloudEvents JSON format §3.1: data that is not JSON stands as the text of a string.
  const isText = typeof data.value === 'string' && !isJsonType(attributes.contentType);
  if (isText) return { attributes, body: Buffer.from(data.value as string) };
  return { attributes, body: value.subarray(data.start, data.end), data: data.value };
}

function attributeText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isInteger(value)) return String(value);
  throw invalid(name, 'an attribute is a string, a boolean or an integer');
}

/** Whether data of this content type is JSON; without one it is. */
export function isJsonType(contentType: string): boolean {
  const [type = ''] = contentType.toLowerCase().split(';');
  return type.trim() === '' || /\/(?:[^/]+\+)?json$/.test(type.trim());
}

function fromBase64(value: unknown): Buffer {
  // RFC 4648 §4, with padding: Buffer.from would skip what it does not understand.
  const form = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
  if (typeof value !== 'string' || !form.test(value)) throw malformed('data_base64', 'data_base64 is no base64');
  return Buffer.from(value, 'base64');
}
