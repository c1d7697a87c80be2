import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corpusRows, mustRefuseText, policyOf, urlOf } from '../testing/corpus.ts';
import { checkUrl } from './check-url.ts';
import { EgressError } from './failure.ts';
import { createPolicy } from './policy.ts';

const strict = createPolicy();

test('a name is judged by its addresses when it may be resolved, and by its text alone when not', async () => {
  const verdict = async (answers: readonly string[] | null): Promise<string> => {
    const checked = await checkUrl('https://hook.example.com/', strict, answers === null ? null : async () => answers);
    return checked.verdict === 'allow' ? 'allow' : checked.reason;
  };
  assert.equal(await verdict(['8.8.8.8']), 'allow');
  assert.equal(await verdict(['8.8.8.8', '127.0.0.1']), 'blocked_address');
  assert.equal(await verdict([]), 'dns_not_found');
  assert.equal(await verdict(null), 'allow');
});

test('a literal is judged without a question, in brackets or not', async () => {
  const resolve = (): Promise<never> => assert.fail('asked');
  assert.deepEqual(await checkUrl('https://[2606:4700::1111]/', strict, resolve), { verdict: 'allow' });
  assert.deepEqual(await checkUrl('https://8.8.8.8/', strict, resolve), { verdict: 'allow' });
});

test('a name that cannot be resolved is denied with the code that attempts would bear', async () => {
  const resolve = (): Promise<never> => Promise.reject(new EgressError('dns_timeout', 'ours', 'no answer'));
  const checked = await checkUrl('https://hook.example.com/', strict, resolve);
  assert.deepEqual(checked, { verdict: 'deny', reason: 'dns_timeout', detail: 'no answer' });
});

test('what the text rule refuses is never resolved', async () => {
  for (const row of corpusRows.filter(mustRefuseText)) {
    const checked = await checkUrl(urlOf(row), policyOf(row), () => assert.fail('asked'));
    assert.equal(checked.verdict, 'deny', row.id);
  }
});
