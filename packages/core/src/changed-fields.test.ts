import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditedEntities, auditedFields } from '@postrider/contract/postrider/v1/audited-fields';
import { changedFields } from './changed-fields.ts';
import { limits } from './limits.ts';

const CANARY = 'canary-7f3a';
type Fields = Readonly<Record<string, { name: string; secret?: boolean; message?: string; many?: string }>>;
const tables = auditedFields as Readonly<Record<string, Fields>>;

/** A message with every field set, secrets to the canary, no deeper than so many messages. */
function filled(message: string, mark: string, depth = 6): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tables[message] ?? {}).map(([key, field]) => {
      const inner = (): unknown => {
        if (field.secret === true) return `${CANARY}-${mark}`;
        if (field.message === undefined) return `open-${mark}`;
        return depth === 0 ? {} : filled(field.message, mark, depth - 1);
      };
      const value = field.many === 'list' ? [inner()] : field.many === 'map' ? { k: inner() } : inner();
      return [key, value];
    }),
  );
}

test('no secret of any kind of entity is shown, made, changed or deleted, and that it changed is told', () => {
  for (const message of Object.values(auditedEntities)) {
    const [before, after] = [filled(message, 'before'), filled(message, 'after')];
    for (const changes of [
      changedFields(message, undefined, after),
      changedFields(message, before, after),
      changedFields(message, before, undefined),
    ]) {
      assert.ok(!JSON.stringify(changes).includes(CANARY), message);
      const hasSecret = JSON.stringify(after).includes(CANARY);
      assert.equal(
        changes.some(({ secret }) => secret),
        hasSecret,
        message,
      );
    }
  }
});

test('what is not a secret is shown as it was and as it is, by its path in the contract', () => {
  const config = (url: string, timeout?: string) => ({ endpoint: { url, limits: timeout && { timeout } } });
  assert.deepEqual(changedFields('EndpointConfig', config('https://a/'), config('https://b/', '5s')), [
    { field: 'endpoint.url', before: '"https://a/"', after: '"https://b/"', secret: false, cut: false },
    { field: 'endpoint.limits.timeout', before: '', after: '"5s"', secret: false, cut: false },
  ]);
  assert.deepEqual(changedFields('EndpointConfig', config('https://a/'), config('https://a/')), []);
});

test('of credentials by name only the names are told that changed', () => {
  const credentials = (b: string) => ({ credentials: { a: { ciphertext: 'same' }, b: { ciphertext: b } } });
  assert.deepEqual(changedFields('EndpointConfig', credentials('1'), credentials('2')), [
    { field: 'credentials.b', before: '"[secret]"', after: '"[secret]"', secret: true, cut: false },
  ]);
});

test('what the contract does not know is taken for a secret', () => {
  const [change] = changedFields('Pause', {}, { ofTomorrow: CANARY });
  assert.deepEqual(change, { field: 'ofTomorrow', before: '', after: '"[secret]"', secret: true, cut: false });
});

test('a long value is cut, and says so', () => {
  const [change] = changedFields('Pause', { reason: 'short' }, { reason: 'x'.repeat(limits.auditValueCharsMax) });
  assert.deepEqual([change?.after.length, change?.cut], [limits.auditValueCharsMax, true]);
});
