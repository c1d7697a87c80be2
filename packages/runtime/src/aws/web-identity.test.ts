/** Keys of AWS for a token of the cluster (IAM roles for service accounts). Doubles: STS on loopback, the clock. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { kmsStandIn, standInArn, standInKeys } from '../../testing/kms-stand-in.ts';
import { standInRole, stsStandIn } from '../../testing/sts-stand-in.ts';
import { awsKeys } from './keys.ts';
import { AwsKmsError, awsKmsKey } from './kms.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

async function world() {
  const sts = await stsStandIn();
  const folder = mkdtempSync(join(tmpdir(), 'token-'));
  const tokenFile = join(folder, 'token');
  const state = { now: Date.UTC(2026, 10, 22) };
  const clock = { now: () => state.now };
  const { endpoint } = sts;
  const write = (token: string): void => writeFileSync(tokenFile, `${token}\n`);
  write('token 1');
  sts.until = state.now + HOUR_MS;
  const source = { kind: 'web-identity', roleArn: standInRole, tokenFile, endpoint } as const;
  return {
    ...{ sts, state, clock, write, keys: awsKeys(source, clock), forget: () => rmSync(folder, { recursive: true }) },
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
      await sts[Symbol.asyncDispose]();
    },
  };
}

for (const xml of [false, true]) {
  test(`a token is changed for keys, once for all who wait, and read anew each time; ${xml ? 'XML' : 'JSON'}`, async () => {
    await using w = await world();
    w.sts.xml = xml;
    const [first, second] = await Promise.all([w.keys(), w.keys()]);
    assert.deepEqual(first, { accessKeyId: 'ASIA1', secretAccessKey: 'se/cr+et1=', sessionToken: 'tok/en+1==' });
    assert.equal(second, first);
    w.sts.token = 'token 2';
    w.write('token 2');
    w.state.now += HOUR_MS;
    w.sts.until += HOUR_MS;
    assert.equal((await w.keys()).accessKeyId, 'ASIA2');
    assert.deepEqual(w.sts.shown, ['token 1', 'token 2']);
  });
}

/** Asks in every turn of the event loop. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

test(
  'while STS is down nobody waits for it as long as the keys are good, and it is asked every ten seconds',
  { timeout: 20_000 },
  async () => {
    await using w = await world();
    await w.keys();
    w.sts.answer = () => null;
    w.state.now += HOUR_MS - 5 * MINUTE_MS;
    const started = performance.now();
    for (let call = 0; call < 50; call += 1) assert.equal((await w.keys()).accessKeyId, 'ASIA1');
    assert.ok(performance.now() - started < 1_000);
    await until(() => w.sts.shown.length === 2);
    w.sts.answer = undefined;
    w.sts.until += HOUR_MS;
    w.state.now += 10_000;
    // The try that was not answered ends by its own deadline.
    await until(async () => (await w.keys()).accessKeyId === 'ASIA3');
    assert.equal(w.sts.shown.length, 3);
  },
);

test('keys that have ended are used by nobody, and what STS says is told by its code alone', async () => {
  await using w = await world();
  await w.keys();
  w.write('another');
  w.state.now += HOUR_MS;
  for (const xml of [false, true]) {
    w.sts.xml = xml;
    const error: unknown = await w.keys().catch((caught: unknown) => caught);
    assert.match(inspect(error), /ExpiredTokenException \(HTTP 400\)/);
    assert.ok(!inspect(error).includes('canary') && !inspect(error).includes('another'));
  }
  w.forget();
  await assert.rejects(w.keys(), { code: 'ENOENT' });
});

test('what has ended when it is lent is not used: a clock is wrong', async () => {
  await using w = await world();
  w.sts.until = w.state.now;
  await assert.rejects(w.keys(), /clock/);
});

const element = (lent: string, name: string): string => new RegExp(`<${name}>.*</${name}>`).exec(lent)?.[0] ?? '';
const hostile: readonly (readonly [string, (lent: string) => string])[] = [
  ['nothing', () => ''],
  ['no XML and no JSON', () => 'canary'],
  ['JSON of another form', () => '{"AssumeRoleWithWebIdentityResponse":[1]}'],
  ['JSON null', () => 'null'],
  ['an element twice', (lent) => lent.replace(/<AccessKeyId>/, '<AccessKeyId>canary</AccessKeyId><AccessKeyId>')],
  ['an element missing', (lent) => lent.replace(element(lent, 'SessionToken'), '')],
  ['an entity', (lent) => `<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>${lent.replace('ASIA1', '&e;')}`],
  ['CDATA', (lent) => lent.replace('ASIA1', '<![CDATA[canary]]>')],
  ['a line break in a key', (lent) => lent.replace('ASIA1', 'ASIA1\r\nx-canary: 1')],
  ['a time that is none', (lent) => lent.replace(element(lent, 'Expiration'), '<Expiration>soon</Expiration>')],
  ['a thousand openings', () => '<AccessKeyId>'.repeat(4_000)],
  ['too much', (lent) => lent + ' '.repeat(70_000)],
];
for (const [what, changed] of hostile) {
  test(`STS answers ${what}: no keys, and nothing of it is told`, { timeout: 5_000 }, async () => {
    await using w = await world();
    w.sts.answer = (lent) => ({ body: changed(lent) });
    const error: unknown = await w.keys().catch((caught: unknown) => caught);
    assert.ok(error instanceof Error);
    assert.ok(!inspect(error, { depth: 9 }).includes('canary'), inspect(error));
  });
}

test('keys that KMS takes no more are given back before their time', async () => {
  await using w = await world();
  await using kms = await kmsStandIn();
  const clock = { now: () => Date.now() };
  const given: unknown[] = [];
  const others = { ...standInKeys };
  const keys = (ended?: unknown) => {
    given.push(ended);
    return Promise.resolve(ended === undefined ? standInKeys : others);
  };
  const key = awsKmsKey(standInArn, { keys, clock, endpoint: kms.endpoint, timeoutMs: 2_000 });
  kms.fault = 'expired';
  await assert.rejects(key.encrypt(Buffer.alloc(32), {}), { refused: false, message: /ExpiredTokenException/ });
  kms.fault = null;
  await key.encrypt(Buffer.alloc(32), {});
  assert.deepEqual(given, [undefined, standInKeys]);
  const first = await w.keys();
  assert.equal(await w.keys(), first);
  assert.equal((await w.keys(first)).accessKeyId, 'ASIA2');
});

test('without keys, why there are none is told', async () => {
  await using w = await world();
  w.write('another');
  const key = awsKmsKey(standInArn, { keys: w.keys, clock: w.clock, timeoutMs: 2_000 });
  const error: unknown = await key.encrypt(Buffer.alloc(32), {}).catch((caught: unknown) => caught);
  assert.ok(error instanceof AwsKmsError && !error.refused);
  assert.match(error.message, /no keys to ask AWS KMS with: .*ExpiredTokenException/);
});
