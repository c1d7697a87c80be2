import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { corpusRows, mustRefuseText, policyTextOf, urlOf } from '../../../egress/testing/corpus.ts';
import { cli } from '../test-context.ts';

const check = ['egress', 'check', '--no-dns'];
const verdicts = (out: string): string[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { verdict: string }).verdict);

/** Runs `work` with a policy file of this text. */
async function withPolicy<T>(text: string, work: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-policy-'));
  try {
    writeFileSync(join(folder, 'policy.json'), text);
    return await work(join(folder, 'policy.json'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the corpus from standard input: one object a line, in order, with the verdict of the door', async () => {
  const byPolicy = Map.groupBy(corpusRows, policyTextOf);
  assert.ok(byPolicy.size > 1);
  for (const [policy, rows] of byPolicy) {
    await withPolicy(policy, async (file) => {
      const stdin = rows.map((row) => `${urlOf(row)}\n`).join('');
      const { exitCode, out } = await cli([...check, '--stdin', '--json', '--policy', file], { stdin });
      assert.deepEqual(
        verdicts(out),
        rows.map((row) => (mustRefuseText(row) ? 'deny' : 'allow')),
      );
      assert.equal(exitCode, rows.some(mustRefuseText) ? 1 : 0);
    });
  }
});

test('URLs are answered with a stable reason, and exit code 0 only when all are allowed', async () => {
  const { exitCode, out, err } = await cli([...check, '--json', 'https://hooks.example.com/', 'https://127.1/']);
  assert.deepEqual(
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    [
      { url: 'https://hooks.example.com/', verdict: 'allow', reason: '' },
      { url: 'https://127.1/', verdict: 'deny', reason: 'url_host_not_canonical' },
    ],
  );
  assert.deepEqual(
    [exitCode, err],
    [1, '{"error":{"code":"FAILED_PRECONDITION","reason":"","message":"1 denied.","field":""}}\n'],
  );
  assert.equal((await cli([...check, 'https://hooks.example.com/'])).exitCode, 0);
});

test('for people a line tells verdict, reason and what is wrong', async () => {
  const { out } = await cli([...check, 'http://hooks.example.com/']);
  assert.match(out, /^deny +url_scheme +http:\/\/hooks\.example\.com\/ {2}\(must begin with https:\/\/\)\n$/);
});

test('lines end with a line feed only, an empty one is an empty URL, and the last needs no end', async () => {
  const stdin = 'https://a.com/\r\n\n\thttps://a.com/\nhttps://a.com/\u2028x\nhttps://b.com/';
  const { out } = await cli([...check, '--stdin', '--json'], { stdin });
  assert.deepEqual(verdicts(out), ['allow', 'deny', 'deny', 'allow', 'allow']);
});

test('addresses are judged also where names are resolved', async () => {
  const { out } = await cli(['egress', 'check', '--json', 'https://8.8.8.8/', 'https://10.0.0.1/']);
  assert.deepEqual(verdicts(out), ['allow', 'deny']);
});

test('no URL, and a policy that cannot be used, are usage errors that say why', async () => {
  assert.equal((await cli(check)).exitCode, 2);
  const missing = await cli([...check, 'https://a.com/', '--policy', '/no/such/policy.json']);
  assert.deepEqual([missing.exitCode, /ENOENT/.test(missing.err)], [2, true]);
  const wrong = await withPolicy('{"allowhttp":true}', (file) => cli([...check, 'https://a.com/', '--policy', file]));
  assert.deepEqual([wrong.exitCode, /allowhttp: no such key/.test(wrong.err)], [2, true]);
});
