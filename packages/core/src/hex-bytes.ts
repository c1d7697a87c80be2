/** Characters as the bytes that they stand for, each behind `prefix`: up to U+00FF the byte that was read; above, their UTF-8. */
export function hexBytes(part: string, prefix: '%' | '\\x'): string {
  const latin = prefix === '\\x' && /^[\0-\xff]*$/.test(part);
  const bytes = Buffer.from(part, latin ? 'latin1' : 'utf8');
  let encoded = '';
  for (const byte of bytes) encoded += prefix + byte.toString(16).padStart(2, '0');
  return encoded;
}
