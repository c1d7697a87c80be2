/** What is verified without asking anybody. Observed: output, exit codes. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AuditAction, AuditEntry } from '@postrider/contract/postrider/v1/audit';
import { auditStart, chainEntry, readAuditRecord } from '@postrider/core';
import { cli } from '../test-context.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postrider-audit-'));
});
after(() => rm(folder, { recursive: true }));

let head = auditStart;
const lines = Array.from({ length: 5 }, (_, index) => {
  const fields = { principal: 'user/a', resource: `tenants/t${index}`, action: AuditAction.CREATE };
  const next = chainEntry({ ...AuditEntry.fromPartial(fields), time: new Date(index) }, head);
  head = next.head;
  const entry = readAuditRecord(next.value) ?? assert.fail();
  return JSON.stringify({ entry: AuditEntry.toJSON(entry), record: next.value.toString('base64') });
});
const pinned = `${head.sequence}:${head.hash.toString('hex')}`;

async function verify(kept: readonly string[], ...flags: string[]) {
  const path = join(folder, 'export.jsonl');
  await writeFile(path, `${kept.join('\n')}\n`);
  return cli(['audit', 'verify', '--file', path, ...flags]);
}

test('an export as it was printed is whole, and its head can be noted and compared', async () => {
  const { exitCode, out } = await verify(lines);
  assert.equal(exitCode, 0);
  assert.match(out, /^5 entries follow from each other, from entry 1 of .* to entry 5\.\nHead: /);
  assert.ok(out.includes(pinned));
  assert.equal((await verify(lines, '--pinned', pinned)).exitCode, 0);
  const { out: json } = await verify(lines, '--json');
  assert.deepEqual(JSON.parse(json).verifiedCount, '5');
  assert.equal(
    (await verify(lines.slice(2), '--pinned', pinned)).exitCode,
    0,
    'what retention took is missed by nobody',
  );
});

test('an export that was altered, cut, or put in another order is told by where it breaks, with exit code 1', async () => {
  const [one = '', two = '', three = '', four = '', five = ''] = lines;
  for (const [kept, says, ...flags] of [
    [[one, two, four, five], /where entry 3 should be.*removed/],
    [[one, three, two, four, five], /where entry 2 should be/],
    [[one, two, three.replace('user/a', 'user/b'), four, five], /where entry 3 should be: line 3 shows another entry/],
    [[one, two, 'no line', four, five], /where entry 3 should be: the record is no entry/],
    [[one, two, three], /ends behind entry 3, but entry 5 was noted/, '--pinned', pinned],
    [lines, /not the one that was noted/, '--pinned', `5:${'0'.repeat(64)}`],
  ] as const) {
    const { exitCode, err } = await verify(kept, ...flags);
    assert.equal(exitCode, 1, String(says));
    assert.match(err, says);
  }
});

test('a file that cannot be read, and a head that is none, are told', async () => {
  const absent = await cli(['audit', 'verify', '--file', join(folder, 'absent')]);
  assert.deepEqual([absent.exitCode, /cannot be read/.test(absent.err)], [2, true]);
  const { exitCode, err } = await cli(['audit', 'verify', '--pinned', '5']);
  assert.deepEqual([exitCode, /is no head/.test(err)], [2, true]);
});
