/** A secret that may stand nowhere. */
export interface Canary {
  readonly what: string;
  readonly bytes: Buffer;
}

/** Where it was found, and as what. */
export interface Sighting {
  readonly what: string;
  readonly where: string;
  readonly form: string;
}

/** Shorter, a form may stand anywhere by chance. */
const FORM_CHARS_MIN = 12;

/**
 * The forms in which a secret may hide: as it is, in either base64 within whatever may stand around it, in hexadecimal digits,
 * as it travels in a URL, and as it stands in JSON.
 */
export function formsOf(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const forms = new Map<string, Buffer>([['raw', bytes]]);
  const add = (form: string, text: string): void => {
    if (text.length >= FORM_CHARS_MIN) forms.set(form, Buffer.from(text));
  };
  for (const encoding of ['base64', 'base64url'] as const) {
    for (const shift of [0, 1, 2]) {
      const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
        .toString(encoding)
        .replaceAll('=', '');
      // The characters at the ends are made of what stands beside it, too.
      const from = Math.ceil((shift * 8) / 6);
      const to = Math.floor(((shift + bytes.length) * 8) / 6);
      add(`${encoding}, ${shift} behind`, encoded.slice(from, to));
    }
  }
  add('hexadecimal', bytes.toString('hex'));
  add('HEXADECIMAL', bytes.toString('hex').toUpperCase());
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) return forms;
  add('in a URL', encodeURIComponent(text));
  add('in a form', new URLSearchParams([['', text]]).toString().slice(1));
  add('in JSON', JSON.stringify(text).slice(1, -1));
  add('in JSON in JSON', JSON.stringify(JSON.stringify(text)).slice(3, -3));
  return forms;
}

/** Every canary that stands in what was looked through. */
export function sightings(canaries: readonly Canary[], places: ReadonlyMap<string, Buffer>): Sighting[] {
  const seen: Sighting[] = [];
  for (const { what, bytes } of canaries) {
    for (const [form, wanted] of formsOf(bytes)) {
      for (const [where, haystack] of places) if (haystack.includes(wanted)) seen.push({ what, where, form });
    }
  }
  return seen;
}
