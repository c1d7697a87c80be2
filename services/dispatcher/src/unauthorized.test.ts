/** Endpoints whose credentials cannot be used, on the fake Kafka. Observed: receipts, and attempts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHarness } from '../testing/harness.ts';

const oauth2 = (tokenUrl: string) => ({ method: { $case: 'oauth2' as const, value: { tokenUrl, clientId: 'me' } } });

test('a token URL that leads where none may ends the delivery as blocked; nothing is sent', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { auth: oauth2('https://169.254.169.254/token') });
  const dispatcher = await h.start('a');
  h.deliver('order', 'shop');
  await h.until(() => h.deadLetters().length === 1, 'it is given up');
  const [attempt] = h.attempts();
  assert.deepEqual([attempt?.outcome, attempt?.code], ['OUTCOME_BLOCKED', 'blocked_url']);
  assert.match(attempt?.detail ?? '', /^The token URL /);
  assert.equal(h.receipts.length, 0);
  await h.stop(dispatcher);
});

test('a credential that cannot be opened is ours: no attempt is used, nothing is sent, and it goes on once it can be', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { auth: oauth2('https://id.example.com/token') });
  const dispatcher = await h.start('a');
  h.deliver('order', 'shop');
  await h.until(() => h.attempts().length === 2, 'it is tried again');
  for (const { outcome, code, number } of h.attempts()) {
    assert.deepEqual([outcome, code, number], ['OUTCOME_INTERNAL_ERROR', 'secret_unreadable', 0]);
  }
  assert.equal(h.receipts.length, 0);
  h.config.endpoint('shop');
  await h.until(() => h.receipts.length === 1, 'it is sent', 600_000);
  assert.equal(h.receipts[0]?.attempt, 1);
  await h.stop(dispatcher);
});
