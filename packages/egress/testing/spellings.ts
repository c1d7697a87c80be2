/** A part of 1, at least 0. */
type Random = () => number;

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
const below = (random: Random, end: number): number => Math.floor(random() * end);

/** IPv4 ranges that are never public, as base and length; written down apart from the rule that is under test. */
const forbidden4: readonly (readonly [base: number, bits: number])[] = [
  [0x00000000, 8],
  [0x0a000000, 8],
  [0x64400000, 10],
  [0x7f000000, 8],
  [0xa83f8110, 32],
  [0xa9fe0000, 16],
  [0xac100000, 12],
  [0xc0000000, 24],
  [0xc0000200, 24],
  [0xc0586300, 24],
  [0xc0a80000, 16],
  [0xc6120000, 15],
  [0xc6336400, 24],
  [0xcb007100, 24],
  [0xe0000000, 4],
  [0xf0000000, 4],
];

function forbiddenIpv4(random: Random): number {
  const [base, bits] = pick(random, forbidden4);
  return (base + below(random, 2 ** (32 - bits))) >>> 0;
}

const radixes: readonly ((value: number, random: Random) => string)[] = [
  (value) => String(value),
  (value) => String(value),
  (value) => `0x${value.toString(16)}`,
  (value) => `0X${value.toString(16).toUpperCase()}`,
  (value) => `0${value.toString(8)}`,
  (value, random) => `${'0'.repeat(1 + below(random, 8))}${value.toString(8)}`,
  (value, random) => `0x${'0'.repeat(below(random, 8))}${value.toString(16)}`,
];

/** One to four parts, each in any radix: the last takes what the others leave. */
function dotted(address: number, random: Random): string {
  const parts = pick(random, [4, 4, 4, 1, 2, 3]);
  const texts: string[] = [];
  for (let index = 0; index < parts - 1; index++) {
    texts.push(pick(random, radixes)((address >>> (24 - 8 * index)) & 255, random));
  }
  const rest = parts === 1 ? address : address % 2 ** (8 * (5 - parts));
  texts.push(pick(random, radixes)(rest, random));
  return texts.join(pick(random, ['.', '.', '.', '.', '。', '．', '%2e']));
}

const disguises: readonly ((text: string, random: Random) => string)[] = [
  (text) => text,
  (text) => text,
  (text, random) => one(text, random, (char) => `%${char.charCodeAt(0).toString(16)}`),
  (text, random) =>
    one(text, random, (char) => (/[\x21-\x7e]/.test(char) ? String.fromCharCode(char.charCodeAt(0) + 0xfee0) : char)),
  (text, random) => one(text, random, (char) => `${char}\u00ad`),
  (text, random) =>
    one(text, random, (char) => (/\d/.test(char) ? String.fromCodePoint(0x1d7ce + Number(char)) : char)),
  (text) => `${text}.`,
];

/** `text` with one of its characters replaced. */
function one(text: string, random: Random, by: (char: string) => string): string {
  const chars = Array.from(text);
  const at = below(random, chars.length);
  chars[at] = by(chars[at] ?? '');
  return chars.join('');
}

/** The eight groups of an IPv6 address that no public endpoint has; most embed a forbidden IPv4 address. */
function forbiddenIpv6(random: Random): number[] {
  const address = forbiddenIpv4(random);
  const [high, low] = [address >>> 16, address & 0xffff];
  const any = (): number => below(random, 0x10000);
  return pick(random, [
    () => [0, 0, 0, 0, 0, 0xffff, high, low],
    () => [0, 0, 0, 0, 0, 0, high, low],
    () => [0, 0, 0, 0, 0xffff, 0, high, low],
    () => [0x64, 0xff9b, 0, 0, 0, 0, high, low],
    () => [0x64, 0xff9b, 1, any(), any(), any(), high, low],
    () => [0x2002, high, low, any(), any(), any(), any(), any()],
    () => [0x2001, 0, any(), any(), any(), any(), any(), any()],
    () => [0x2001, 0xdb8, any(), any(), any(), any(), any(), any()],
    () => [0x3fff, below(random, 0x1000), any(), any(), any(), any(), any(), any()],
    () => [0xfe80 + below(random, 0x40), 0, 0, 0, 0, 0x5efe, high, low],
    () => [0xfc00 + below(random, 0x200), any(), any(), any(), any(), any(), any(), any()],
    () => [0xff00 + below(random, 0x100), any(), any(), any(), any(), any(), any(), any()],
    () => [0x4000 + below(random, 0xbc00), any(), any(), any(), any(), any(), any(), any()],
    () => [below(random, 0x2000), any(), any(), any(), any(), any(), any(), any()],
    () => [0, 0, 0, 0, 0, 0, 0, below(random, 2)],
  ])();
}

function bracketed(groups: readonly number[], random: Random): string {
  const texts = groups.map((group) => {
    const hex = random() < 0.5 ? group.toString(16) : group.toString(16).toUpperCase();
    return random() < 0.2 ? hex.padStart(4, '0') : hex;
  });
  if (random() < 0.3) {
    const [high = 0, low = 0] = groups.slice(6);
    texts.splice(6, 2, `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`);
  }
  let text = texts.join(':');
  // Any run of zeros may be left out, not only the longest.
  const zeros = [...text.matchAll(/(?:^|:)0+(?::0+)*(?=:|$)/g)].filter(([run]) => run !== '');
  if (zeros.length > 0 && random() < 0.7) {
    const run = pick(random, zeros);
    const before = text.slice(0, run.index);
    const after = text.slice(run.index + run[0].length).replace(/^:/, '');
    text = `${before}::${after}`;
  }
  return `[${text}${random() < 0.05 ? pick(random, ['%25lo', '%lo', '%25eth0']) : ''}]`;
}

const names = ['localhost', 'localhost.localdomain', 'metadata', 'metadata.google.internal', 'ip6-localhost'];
const names2 = ['kubernetes.default.svc', 'x.cluster.local', 'instance-data.ec2.internal', 'printer.lan', 'db.corp'];

function host(random: Random): string {
  const kind = random();
  if (kind < 0.55) return pick(random, disguises)(dotted(forbiddenIpv4(random), random), random);
  if (kind < 0.9) return bracketed(forbiddenIpv6(random), random);
  const name = pick(random, [...names, ...names2]);
  return pick(random, disguises)(random() < 0.3 ? one(name, random, (char) => char.toUpperCase()) : name, random);
}

/**
 * A URL that leads, if a parser reads it at all, to an address or a name that is not public: one of some 10^15 ways to write
 * one. None of them may pass the rule for URLs, however wide its policy is.
 */
export function forbiddenSpelling(random: Random): string {
  const scheme = pick(random, ['http', 'https', 'HTTP', 'hTtPs']);
  const slashes = random() < 0.95 ? '://' : pick(random, [':', ':/', ':///', ':\\\\', ':/\\']);
  const user = random() < 0.9 ? '' : pick(random, ['a@', 'example.com@', 'example.com:443@', '@', 'a%40b@']);
  const port = random() < 0.7 ? '' : pick(random, [':', ':80', ':443', ':0080', ':8080']);
  const rest = pick(random, ['/', '', '/hook', '/?a=b', '?@example.com', '/#x', '/@example.com']);
  return `${scheme}${slashes}${user}${host(random)}${port}${rest}`;
}
