import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signRequest } from './sign-request.ts';

/** The examples that AWS publishes with Signature Version 4 (`aws-sig-v4-test-suite`). */
const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const now = new Date('2015-08-30T12:36:00Z');
const url = new URL('https://example.amazonaws.com/');
const place = { url, headers: {}, body: '', region: 'us-east-1', service: 'service' };

for (const [method, signature] of [
  ['GET', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['POST', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
] as const) {
  test(`${method} is signed as AWS's own example`, () => {
    const headers = signRequest({ ...place, method }, keys, now);
    assert.equal(
      headers['authorization'],
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    );
    assert.equal(headers['x-amz-date'], '20150830T123600Z');
  });
}

test('the token of lent keys is sent, and signed', () => {
  const lent = signRequest({ ...place, method: 'GET' }, { ...keys, sessionToken: 'token' }, now);
  assert.equal(lent['x-amz-security-token'], 'token');
  assert.match(lent['authorization'] ?? '', /SignedHeaders=host;x-amz-date;x-amz-security-token,/);
});
