import assert from 'node:assert/strict';
import { createDecipheriv, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { PostriderError } from './errors.ts';
import { generateDataKey, open, parseKek, seal, sealingKey } from './seal.ts';
import { Secret } from './secret.ts';

const kekBytes = Buffer.from('00112233445566778899aabbccddeeff0102030405060708090a0b0c0d0e0f10', 'hex');
const kek = parseKek(kekBytes.toString('hex'));
const context = { tenant: 'acme', kind: 'signing-secret', id: 'sec_1', version: 1 };

function unreadable(action: () => unknown, message: RegExp): void {
  assert.throws(action, (error: unknown) => {
    assert.ok(error instanceof PostriderError);
    assert.equal(error.code, 'secret_unreadable');
    assert.match(error.message, message);
    return true;
  });
}

test('what was sealed opens again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const sealed = seal(new Secret(bytes), kek, context, randomBytes);
      assert.equal(sealed.nonce.length, 12);
      assert.equal(sealed.ciphertext.length, bytes.length + 16);
      assert.deepEqual(open(sealed, kek, context).revealBytes(), Buffer.from(bytes));
    }),
  );
});

test('the authenticated data is the text of the contract', () => {
  const sealed = seal(new Secret('value'), kek, context, randomBytes);
  const decipher = createDecipheriv('aes-256-gcm', kekBytes, sealed.nonce, { authTagLength: 16 });
  decipher.setAAD(Buffer.from('postrider|acme|signing-secret|sec_1|1'));
  decipher.setAuthTag(sealed.ciphertext.subarray(-16));
  const plain = Buffer.concat([decipher.update(sealed.ciphertext.subarray(0, -16)), decipher.final()]);
  assert.equal(plain.toString(), 'value');
});

test('a sealed secret opens nowhere else', () => {
  const sealed = seal(new Secret('value'), kek, context, randomBytes);
  for (const change of [{ tenant: 'other' }, { kind: 'data-key' }, { id: 'sec_2' }]) {
    unreadable(() => open(sealed, kek, { ...context, ...change }), /sealed for something else/);
  }
  unreadable(() => open(sealed, kek, { ...context, version: 2 }), /version 1, not 2/);
});

test('a sealed secret opens under no other key', () => {
  const sealed = seal(new Secret('value'), kek, context, randomBytes);
  const other = parseKek(randomBytes(32).toString('base64'));
  unreadable(() => open(sealed, other, context), /is sealed under key kek_[0-9a-f]{16}, not kek_/);
  unreadable(() => open(sealed, { ...other, id: kek.id }, context), /sealed for something else/);
});

test('damage of any byte is noticed', () => {
  const sealed = seal(new Secret('value'), kek, context, randomBytes);
  for (const field of ['nonce', 'ciphertext'] as const) {
    for (let i = 0; i < sealed[field].length; i++) {
      const damaged = Buffer.from(sealed[field]);
      damaged[i] = (damaged[i] ?? 0) ^ 1;
      unreadable(() => open({ ...sealed, [field]: damaged }, kek, context), /cannot be opened/);
    }
  }
  unreadable(() => open({ ...sealed, ciphertext: Buffer.alloc(15) }, kek, context), /damaged/);
  unreadable(() => open({ ...sealed, nonce: Buffer.alloc(0) }, kek, context), /damaged/);
  unreadable(() => open({ ...sealed, algorithm: 'none' }, kek, context), /unknown algorithm "none"/);
});

test('a context that could be read in two ways is refused', () => {
  for (const change of [{ tenant: '' }, { kind: '' }, { id: '' }, { tenant: 'a|b' }]) {
    assert.throws(() => seal(new Secret('v'), kek, { ...context, ...change }, randomBytes), { code: 'internal' });
  }
});

test('a key-encryption key is read from hexadecimal and base64, with white space around it', () => {
  const texts = [kekBytes.toString('hex'), kekBytes.toString('hex').toUpperCase(), kekBytes.toString('base64')];
  texts.push(kekBytes.toString('base64url'), ` ${kekBytes.toString('base64')}\n`);
  for (const text of texts) assert.equal(parseKek(text).id, kek.id, text);
  assert.equal(parseKek(new Secret(kekBytes.toString('hex'))).id, kek.id);
  const base64 = parseKek(kekBytes.toString('base64'));
  assert.equal(open(seal(new Secret('v'), kek, context, randomBytes), base64, context).reveal(), 'v');
  assert.notEqual(parseKek(randomBytes(32).toString('hex')).id, kek.id);
});

test('what cannot be a key is refused without being shown', () => {
  const texts = ['', ' ', 'not a key!', 'a'.repeat(63), kekBytes.subarray(1).toString('hex')];
  texts.push(randomBytes(31).toString('base64'), randomBytes(33).toString('base64'), '00'.repeat(32));
  for (const text of texts) {
    assert.throws(
      () => parseKek(text),
      (error: unknown) => {
        assert.ok(error instanceof PostriderError);
        assert.equal(error.code, 'key_invalid', text);
        assert.ok(text.trim() === '' || !error.message.includes(text));
        return true;
      },
    );
  }
});

test('a tenant’s data key is sealed under the key-encryption key and seals in turn', () => {
  const dataKeyContext = { tenant: 'acme', kind: 'data-key', id: 'dek_1' };
  const sealedKey = seal(generateDataKey(randomBytes), kek, dataKeyContext, randomBytes);
  const dataKey = sealingKey('dek_1', open(sealedKey, kek, dataKeyContext));
  const sealed = seal(new Secret('whsec_x'), dataKey, context, randomBytes);
  assert.equal(sealed.keyId, 'dek_1');
  assert.equal(open(sealed, dataKey, context).reveal(), 'whsec_x');
  unreadable(() => open(sealed, kek, context), /sealed under key dek_1/);
});

test('a key prints without its material', () => {
  const print = inspect(kek, { depth: null, showHidden: true }) + JSON.stringify(kek);
  for (const form of ['hex', 'base64'] as const) assert.ok(!print.includes(kekBytes.toString(form)));
});
