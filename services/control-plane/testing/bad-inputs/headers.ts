import { endpointWith, shown, type BadInput } from './bad-input.ts';

/** Names that frame or route a request, speak for a proxy, are ours, or open a cloud's metadata. */
const reserved = [
  'Host Content-Length Transfer-Encoding Connection Keep-Alive Upgrade Expect TE Trailer HTTP2-Settings',
  'Proxy-Authorization Proxy-Connection Via Forwarded X-Forwarded-For X-Forwarded-Host X-Real-IP',
  'webhook-id webhook-timestamp webhook-signature webhook-anything ce-id ce-type postrider-delivery',
  'Content-Type Content-Encoding Accept-Encoding User-Agent traceparent tracestate',
  'Metadata Metadata-Flavor X-Metadata-Token X-aws-ec2-metadata-token X-aws-ec2-metadata-token-ttl-seconds',
].flatMap((line) => line.split(' '));
/** The same name as many servers read it. */
const spellings = (name: string): string[] => [
  ...new Set([name, name.toLowerCase(), name.toUpperCase(), name.replaceAll('-', '_')]),
];
/** No tokens of RFC 9110. */
const noNames = [
  ...['', ' ', 'a b', 'a ', ' a', 'a:', ':authority', 'a\r\n', 'a\nb', 'a\u0000', 'a\u007f', 'ü', 'a\tb', '\u0430'],
  ...['a(b', 'a)b', 'a"b', 'a/b', 'a,b', 'a;b', 'a=b', 'a@b', 'a[b', 'a]b', 'a{b', 'a}b', 'a?b', 'a<b', 'a>b', 'a\\b'],
];
/** Read differently by different servers, or not at all. */
const noValues = [
  ...['a\r\nx: y', 'a\rb', 'a\nb', 'a\u0000b', 'a\u007fb', '\u001b[0m', 'ü', '€', '\u00a0', ' a', 'a ', '\ta', 'a\t'],
  ...['\u2028', '😀', '\u0085'],
];
const named = (name: string): string => `endpoint.headers[${JSON.stringify(name.slice(0, 200))}]`;
const many = (count: number, value: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, value]));

/** Headers that tenants want on their requests. */
export const badHeaders: readonly BadInput[] = [
  ...reserved
    .flatMap(spellings)
    .map((name) => endpointWith(`the header ${name}`, { headers: { [name]: 'a' } }, named(name))),
  ...noNames.map((name) => endpointWith(`a header named ${shown(name)}`, { headers: { [name]: 'a' } }, named(name))),
  ...noValues.map((value) => endpointWith(`a header of ${shown(value)}`, { headers: { 'x-a': value } }, named('x-a'))),
  endpointWith('33 headers', { headers: many(33, 'a') }, 'endpoint.headers'),
  endpointWith('a header name of 129 characters', { headers: { ['x'.repeat(129)]: 'a' } }, named('x'.repeat(129))),
  endpointWith('a header of 4 KiB and a byte', { headers: { 'x-a': 'a'.repeat(4_097) } }, named('x-a')),
  endpointWith('headers of more than 8 KiB', { headers: many(3, 'a'.repeat(3_000)) }, 'endpoint.headers'),
  endpointWith('a header twice by case', { headers: { 'x-a': 'a', 'X-A': 'b' } }, named('X-A')),
  endpointWith(
    'a header that the authentication sets',
    { headers: { authorization: 'x' }, auth: { bearer: { token: 'secret' } } },
    named('authorization'),
  ),
];
