/** AWS KMS over its HTTP API. Double: the service, on loopback. Observed: what opens, how failures are told. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { kmsStandIn, standInArn, standInKeys, type KmsStandIn } from '../../testing/kms-stand-in.ts';
import { readEnv } from '../env.ts';
import { systemClock } from '../clock.ts';
import { awsEnv, awsKms } from './aws-env.ts';
import { awsKeys } from './keys.ts';
import { AwsKmsError, awsKmsKey } from './kms.ts';

const clock = systemClock;
const context = { 'postrider:tenant': 'acme' };
const plain = Buffer.from('a data key of thirty-two bytes..');

const keyAt = ({ endpoint }: KmsStandIn, keys = standInKeys, timeoutMs = 2_000) =>
  awsKmsKey(standInArn, { keys: awsKeys({ kind: 'fixed', keys }, clock), clock, endpoint, timeoutMs });

test('what is sealed opens again, with the same context only', async () => {
  await using kms = await kmsStandIn();
  const key = keyAt(kms);
  const sealed = await key.encrypt(plain, context);
  assert.ok(!sealed.includes(plain));
  assert.deepEqual(await key.decrypt(sealed, context), plain);
  await assert.rejects(key.decrypt(sealed, { 'postrider:tenant': 'other' }), { refused: true, name: 'AwsKmsError' });
});

const failures = [
  ['denied', true, /AccessDeniedException \(HTTP 400\)/],
  ['throttled', false, /ThrottlingException/],
  ['unwell', false, /KMSInternalException \(HTTP 500\)/],
  ['silent', false, /does not answer/],
] as const;
for (const [fault, refused, words] of failures) {
  test(`${fault}: told as what it is, and without what was sent`, async () => {
    await using kms = await kmsStandIn();
    kms.fault = fault;
    const error = await keyAt(kms, standInKeys, 200)
      .encrypt(plain, context)
      .catch((caught: unknown) => caught);
    assert.ok(error instanceof AwsKmsError);
    assert.equal(error.refused, refused);
    assert.match(error.message, words);
    const told = inspect(error, { depth: 9 });
    for (const secret of [plain.toString(), plain.toString('base64'), standInKeys.secretAccessKey]) {
      assert.ok(!told.includes(secret));
    }
  });
}

test('wrong keys of AWS are refused, and a key that is not there', async () => {
  await using kms = await kmsStandIn();
  const wrong = keyAt(kms, { ...standInKeys, secretAccessKey: 'another' });
  await assert.rejects(wrong.encrypt(plain, context), { refused: true });
  const absent = standInArn.replace(/.$/, '9');
  const { endpoint } = kms;
  const keys = awsKeys({ kind: 'fixed', keys: standInKeys }, clock);
  await assert.rejects(awsKmsKey(absent, { keys, clock, endpoint, timeoutMs: 2_000 }).encrypt(plain, context), {
    refused: true,
  });
});

test('nobody listens: told as no answer', async () => {
  const kms = await kmsStandIn();
  await kms[Symbol.asyncDispose]();
  await assert.rejects(keyAt(kms).encrypt(plain, context), { refused: false, message: /does not answer \(ECONN/ });
});

for (const text of ['', 'x', 'arn:aws:kms:eu-central-1:111122223333:alias/a', `${standInArn}/..`, `${standInArn}\n`]) {
  test(`${JSON.stringify(text)} is no ARN of a key`, () => {
    const keys = awsKeys({ kind: 'fixed', keys: standInKeys }, clock);
    assert.throws(() => awsKmsKey(text, { keys, clock, timeoutMs: 1 }), /no ARN/);
  });
}

test('an agent lends keys, which are asked for again before they end, and once for all who wait', async () => {
  let asked = 0;
  let until = '';
  let status = 200;
  const agent = createServer((request, response) => {
    asked += 1;
    const isKnown = request.headers.authorization === 'the token';
    const lent = { AccessKeyId: `AK${asked}`, SecretAccessKey: 's', Token: 't', Expiration: until };
    response.writeHead(isKnown ? status : 403).end(JSON.stringify(lent));
  });
  agent.listen(0, '127.0.0.1');
  await once(agent, 'listening');
  const folder = mkdtempSync(join(tmpdir(), 'agent-'));
  try {
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'the token\n');
    let now = Date.now();
    const url = new URL(`http://127.0.0.1:${(agent.address() as { port: number }).port}/v1/credentials`);
    const keys = awsKeys({ kind: 'agent', url, tokenFile }, { now: () => now });
    until = new Date(now + 3_600_000).toISOString();
    const [first, second] = await Promise.all([keys(), keys()]);
    assert.deepEqual(
      [first, second, asked],
      [{ accessKeyId: 'AK1', secretAccessKey: 's', sessionToken: 't' }, first, 1],
    );
    now += 3_600_000 - 60_000;
    status = 500;
    assert.equal((await keys()).accessKeyId, 'AK1');
    now += 60_000;
    await assert.rejects(keys(), /HTTP 500/);
    status = 200;
    until = new Date(now + 3_600_000).toISOString();
    assert.equal((await keys()).accessKeyId, `AK${asked}`);
  } finally {
    rmSync(folder, { recursive: true });
    agent.close();
  }
});

test('what an agent lends is not quoted when it cannot be read', async () => {
  const agent = createServer((_request, response) => void response.end('{"SecretAccessKey":canary}'));
  agent.listen(0, '127.0.0.1');
  await once(agent, 'listening');
  try {
    const url = new URL(`http://127.0.0.1:${(agent.address() as { port: number }).port}/v1/credentials`);
    const keys = awsKeys({ kind: 'agent', url }, clock);
    const key = awsKmsKey(standInArn, { keys, clock, timeoutMs: 1_000 });
    const error: unknown = await key.encrypt(plain, context).catch((caught: unknown) => caught);
    assert.ok(error instanceof AwsKmsError && !error.refused);
    assert.match(inspect(error, { depth: 9 }), /is no JSON/);
    assert.ok(!inspect(error, { depth: 9 }).includes('canary'));
  } finally {
    agent.close();
  }
});

test('the environment says how AWS is reached; without keys, or over plain HTTP elsewhere, nothing is', () => {
  const settings = { clock, timeoutMs: 1_000 };
  const read = (env: Record<string, string>) => awsKms(readEnv(env, awsEnv), settings);
  assert.throws(() => read({})(standInArn), /AWS_ACCESS_KEY_ID/);
  const fixed = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  assert.equal(read(fixed)(standInArn).label, standInArn);
  const plainHttp = { ...fixed, POSTRIDER_AWS_KMS_ENDPOINT: 'http://kms.example.com/' };
  assert.throws(() => read(plainHttp)(standInArn), /must be an https URL/);
  assert.equal(
    read({ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials' })(standInArn).label,
    standInArn,
  );
});
