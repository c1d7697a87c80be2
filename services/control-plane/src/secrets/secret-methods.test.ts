/**
 * Signing secrets over the API. Doubles: Kafka and the clock it comes with. Observed: answers, statuses, records, and what a
 * dispatcher would sign with.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { openDataKey, openSigningSecrets } from '@postrider/config-view';
import { AuditAction } from '@postrider/contract/postrider/v1/audit';
import { Endpoint, SignatureScheme } from '@postrider/contract/postrider/v1/endpoint';
import { RotateSecretRequest, SecretState } from '@postrider/contract/postrider/v1/secret_service';
import { durationOf, generateSigningSecret, limits, parseSigningSecret, Secret } from '@postrider/core';
import { auditedOf } from '../../testing/audited.ts';
import { AUDIT_TOPIC, CONFIG_TOPIC, failure, startTestPlane, testKek } from '../../testing/harness.ts';
import type { Running } from '../../testing/harness.ts';

let run: Running;
before(async () => {
  run = await startTestPlane();
  for (const tenantId of ['acme', 'other']) {
    await run.tenants.createTenant({ tenantId, tenant: undefined, requestId: '' });
  }
});
after(() => run.stop());

function create(fields: Partial<Endpoint> = {}): Promise<Endpoint> {
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/', ...fields });
  return run.endpoints.createEndpoint({ parent: 'tenants/acme', endpointId: '', endpoint, requestId: '' });
}

function rotate(name: string, fields: Partial<RotateSecretRequest> = {}) {
  return run.secrets.rotateSecret({ ...RotateSecretRequest.fromPartial({ name }), ...fields });
}

const list = async (parent: string) => (await run.secrets.listSecrets({ parent, pageSize: 0, pageToken: '' })).secrets;

/** What a dispatcher signs with at this time, oldest first. */
function signing(uid: string, nowMs = Date.now()): string[] {
  const snapshot = run.plane.view.snapshot();
  const dataKey = openDataKey(snapshot.tenant('acme') ?? assert.fail(), testKek);
  const config = snapshot.endpoint(uid) ?? assert.fail();
  return openSigningSecrets(config, dataKey, nowMs).map(({ secret }) => secret.reveal());
}

test('what may be told of a secret is told: how old it is and how it ends, and never what it is', async () => {
  const { name, signingSecret, secrets } = await create();
  const [only] = await list(name);
  assert.deepEqual(
    only,
    await run.secrets
      .getSecret({ name: `${name}/secrets/${secrets[0]?.id}` })
      .then((got) => ({ ...got, age: only?.age })),
  );
  assert.equal(only?.fingerprintEnd, createHash('sha256').update(signingSecret).digest('hex').slice(-4));
  assert.deepEqual([only?.state, only?.imported, only?.publicKey, only?.value], [SecretState.ACTIVE, false, '', '']);
  assert.ok(only?.age !== undefined && only.age.seconds < 60n);
  const asymmetric = await create({ signing: { scheme: SignatureScheme.STANDARD_V1A } });
  const [pair] = await list(asymmetric.name);
  assert.match(pair?.publicKey ?? '', /^whpk_/);
  assert.equal(pair?.publicKey, asymmetric.publicKey);
});

test('rotated, both sign until the overlap is over, to the millisecond, and then the new one alone', async () => {
  const { name, uid, signingSecret } = await create();
  const made = await rotate(name, { overlap: durationOf(60_000) });
  assert.equal(made.state, SecretState.ACTIVE);
  assert.deepEqual(signing(uid), [signingSecret, made.value]);
  const old = (await list(name)).find(({ expireTime }) => expireTime !== undefined);
  const endsAt = old?.expireTime?.getTime() ?? assert.fail();
  assert.equal(old?.state, SecretState.ENDING);
  assert.deepEqual(signing(uid, endsAt - 1), [signingSecret, made.value]);
  assert.deepEqual(signing(uid, endsAt), [made.value]);
  assert.ok(Math.abs(endsAt - Date.now() - 60_000) < 10_000);
});

test('the overlap is a day unless it is said otherwise; without one the old secret is gone at once', async () => {
  const { name, uid } = await create();
  await rotate(name);
  const [ending] = (await list(name)).flatMap(({ expireTime }) => expireTime ?? []);
  assert.ok(Math.abs((ending?.getTime() ?? 0) - Date.now() - limits.secretOverlapDefaultMs) < 10_000);
  const other = await create();
  const made = await rotate(other.name, { overlap: durationOf(0) });
  assert.deepEqual(signing(other.uid), [made.value]);
  assert.equal((await list(other.name)).length, 1);
  assert.equal(signing(uid).length, 2);
});

test('a third secret that signs is refused until one that ends is deleted; the one that does not end stays', async () => {
  const { name, uid } = await create();
  const made = await rotate(name);
  const refused = await failure(rotate(name));
  assert.deepEqual([refused.code, refused.reason], ['FAILED_PRECONDITION', 'SECRETS_TOO_MANY']);
  assert.match(refused.message, /ends at 2/);
  const kept = await failure(run.secrets.deleteSecret({ name: made.name }));
  assert.equal(kept.code, 'FAILED_PRECONDITION');
  const old = (await list(name)).find(({ state }) => state === SecretState.ENDING) ?? assert.fail();
  await run.secrets.deleteSecret({ name: old.name });
  assert.deepEqual(signing(uid), [made.value]);
  assert.equal((await failure(run.secrets.getSecret({ name: old.name }))).code, 'NOT_FOUND');
  const next = await rotate(name);
  assert.deepEqual(signing(uid), [made.value, next.value]);
});

test('a secret is imported, by either scheme, and the endpoint says which one it signs by', async () => {
  const { name, uid } = await create();
  const asymmetric = generateSigningSecret('v1a', randomBytes).reveal();
  const made = await rotate(name, { secret: asymmetric, overlap: durationOf(0) });
  assert.deepEqual([made.value, made.imported, made.scheme], [asymmetric, true, SignatureScheme.STANDARD_V1A]);
  const endpoint = await run.endpoints.getEndpoint({ name });
  assert.equal(endpoint.publicKey, parseSigningSecret(new Secret(asymmetric)).publicKey);
  assert.equal(endpoint.signing?.scheme, SignatureScheme.STANDARD_V1A);
  assert.deepEqual(signing(uid), [asymmetric]);
  const back = await rotate(name, { scheme: SignatureScheme.STANDARD_V1, overlap: durationOf(0) });
  assert.match(back.value, /^whsec_/);
  assert.equal((await run.endpoints.getEndpoint({ name })).publicKey, '');
});

const bytes = (count: number): string => Buffer.from(Array.from({ length: count }, (_, i) => i + 1)).toString('base64');
const url64 = Buffer.from(Array.from({ length: 30 }, () => 0xfb)).toString('base64url');
const pair = Buffer.from(generateSigningSecret('v1a', randomBytes).reveal().slice('whsk_'.length), 'base64');
const publicOfAnother = Buffer.concat([pair.subarray(0, 32), randomBytes(32)]).toString('base64');
const bad: Readonly<Record<string, Partial<RotateSecretRequest>>> = {
  '23 bytes': { secret: `whsec_${bytes(23)}` },
  '65 bytes': { secret: `whsec_${bytes(65)}` },
  'no base64': { secret: 'whsec_%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%' },
  base64url: { secret: `whsec_${url64}` },
  'another prefix': { secret: `sk_${bytes(32)}` },
  'no prefix': { secret: bytes(32) },
  'a public key': { secret: `whpk_${bytes(32)}` },
  'all zero': { secret: `whsec_${Buffer.alloc(32).toString('base64')}` },
  'a public half of another': { secret: `whsk_${publicOfAnother}` },
  'white space': { secret: ` whsec_${bytes(32)}` },
  'a line break': { secret: `whsec_${bytes(32)}\n` },
  'a scheme that it is not for': { secret: `whsec_${bytes(32)}`, scheme: SignatureScheme.STANDARD_V1A },
};
for (const [what, fields] of Object.entries(bad)) {
  test(`${what}: no such secret is imported, and none is shown for it`, async () => {
    const { name, uid, signingSecret } = await create();
    const { code, fields: at, message } = await failure(rotate(name, fields));
    assert.deepEqual([code, at], ['INVALID_ARGUMENT', ['secret']]);
    assert.ok(!message.includes(bytes(23).slice(0, 12)));
    assert.deepEqual(signing(uid), [signingSecret]);
  });
}

for (const [what, fields, at] of [
  ['negative', { overlap: durationOf(-1_000) }, 'overlap'],
  ['31 days', { overlap: durationOf(31 * 86_400_000) }, 'overlap'],
  ['no duration', { overlap: { seconds: 1n, nanos: -1 } }, 'overlap'],
  ['an unknown scheme', { scheme: SignatureScheme.UNRECOGNIZED }, 'scheme'],
  ['a long request_id', { requestId: 'x'.repeat(129) }, 'request_id'],
] as const) {
  test(`a rotation with ${what} is refused at ${at}`, async () => {
    const { name } = await create();
    const { code, fields: refused } = await failure(rotate(name, fields));
    assert.deepEqual([code, refused], ['INVALID_ARGUMENT', [at]]);
  });
}

test('a secret that the endpoint has, or had until a moment ago, is not imported again', async () => {
  const { name, signingSecret } = await create();
  for (const round of [1, 2]) {
    const { code, fields } = await failure(rotate(name, { secret: signingSecret }));
    assert.deepEqual([code, fields], ['INVALID_ARGUMENT', ['secret']]);
    if (round === 1) await rotate(name);
  }
});

/** What the record of an endpoint says, with one bit of its signing secret turned. */
function damage(uid: string): void {
  const { ciphertext } = run.plane.view.snapshot().endpoint(uid)?.secrets.at(-1)?.sealed ?? assert.fail();
  ciphertext[0] = (ciphertext[0] ?? 0) ^ 1;
}

test('a secret that does not open is rotated out at once, and is not kept beside another one', async () => {
  const { name, uid } = await create();
  damage(uid);
  assert.throws(() => signing(uid), { code: 'secret_unreadable' });
  const kept = await failure(rotate(name, { overlap: durationOf(60_000) }));
  assert.equal(kept.code, 'FAILED_PRECONDITION');
  assert.match(kept.message, /cannot be opened.* overlap of 0/);
  assert.equal((await list(name)).length, 1);
  const given = generateSigningSecret('v1', randomBytes).reveal();
  await rotate(name, { overlap: durationOf(0), secret: given });
  assert.deepEqual(signing(uid), [given]);
  // One that would have ended anyway is as much in the way.
  await rotate(name, { overlap: durationOf(60_000) });
  damage(uid);
  const made = await rotate(name, { overlap: durationOf(0) });
  assert.deepEqual(signing(uid), [made.value]);
});

test('a rotation that is repeated by its request_id makes nothing again, and shows nothing', async () => {
  const { name, uid } = await create();
  const made = await rotate(name, { requestId: 'r1' });
  const again = await rotate(name, { requestId: 'r1' });
  assert.deepEqual([again.name, again.value], [made.name, '']);
  assert.equal(signing(uid).length, 2);
});

test('a rotation is held to the etag, and ends when its endpoint is not there', async () => {
  const { name, etag } = await create();
  await run.endpoints.updateEndpoint({
    endpoint: Endpoint.fromPartial({ name, displayName: 'x' }),
    updateMask: undefined,
  });
  assert.equal((await failure(rotate(name, { etag }))).code, 'ABORTED');
  assert.equal((await failure(rotate('tenants/acme/endpoints/absent'))).code, 'NOT_FOUND');
  for (const wrong of ['', name.replace('endpoints', 'secrets'), `${name}/secrets/x`]) {
    assert.equal((await failure(rotate(wrong))).code, 'INVALID_ARGUMENT');
  }
  assert.equal((await failure(run.secrets.getSecret({ name: `${name}/secrets/sec_absent` }))).code, 'NOT_FOUND');
});

test('a secret is shown to who says why, and that stands in the audit by then, without the secret', async () => {
  const { name, secrets, signingSecret } = await create();
  const secret = `${name}/secrets/${secrets[0]?.id}`;
  assert.equal((await failure(run.secrets.revealSecret({ name: secret, reason: '' }))).code, 'INVALID_ARGUMENT');
  const { value } = await run.secrets.revealSecret({ name: secret, reason: 'support case 17' });
  assert.equal(value, signingSecret);
  const entry = auditedOf(run.kafka).at(-1);
  assert.deepEqual(
    [entry?.action, entry?.resource, entry?.detail, entry?.method, entry?.tenant],
    [AuditAction.REVEAL, secret, 'support case 17', 'RevealSecret', 'tenants/acme'],
  );
  assert.ok(!inspect(auditedOf(run.kafka), { depth: 9 }).includes(value));
});

test('what was rotated in is in no record, log line or answer but the one that made it', async () => {
  const { name } = await create();
  const made = await rotate(name);
  const answers = [await list(name), await run.endpoints.getEndpoint({ name }), await rotate(name).catch(String)];
  const told = inspect({ answers, log: run.log.lines }, { depth: 12, maxArrayLength: null });
  const records = run.kafka.records(CONFIG_TOPIC).map(({ value }) => value ?? Buffer.alloc(0));
  const raw = Buffer.from(made.value.slice('whsec_'.length), 'base64');
  for (const form of [made.value, raw]) assert.ok(!Buffer.concat(records).includes(form));
  assert.ok(!told.includes(made.value) && !told.includes(raw.toString('hex')));
});

test('a secret whose showing cannot be put on record is not shown', async () => {
  const { name, secrets } = await create();
  run.kafka.deleteTopic(AUDIT_TOPIC);
  const secret = `${name}/secrets/${secrets[0]?.id}`;
  const { code } = await failure(run.secrets.revealSecret({ name: secret, reason: 'support case 18' }));
  assert.equal(code, 'UNAVAILABLE');
});
