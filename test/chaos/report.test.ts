import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptRow, resultsText, rowLines, withResults } from './report.ts';
import type { RowResult } from './row.ts';

const result: RowResult = {
  ...{
    id: 'F1',
    title: 'A fault',
    problems: [],
    eventsPerSecond: 30,
    sessionMs: 8_000,
    deliveries: 100,
    lost: 0,
    duplicates: 3,
    duplicatesAllowed: 7,
  },
  ...{ recoveryMs: 1_240, recoveryMsMax: 15_000, latency: { baselineMs: 20.4, brokenMs: 30 }, seconds: 61.2 },
  outcomes: [{ text: 'memory stays flat', ok: true }],
};
const machine = { cores: 2, cpu: 'a CPU', node: '26.0.0', kafka: '4.3.1' };

test('a row tells its figures, and what was promised and does not hold', () => {
  const red: RowResult = {
    ...result,
    problems: ['lost: good-1 msg_1 was never delivered', ...Array.from({ length: 30 }, () => 'duplicate: …')],
    outcomes: [{ text: 'memory stays flat', ok: false }],
  };
  assert.match(
    rowLines(result),
    /^F1 {2}green A fault\n.*3 duplicates \(allowed 7\)\n.*1\.2 s \(≤ 15\.0 s\).*\(1\.5×\)/,
  );
  assert.match(rowLines(red), /^F1 {2}RED/);
  assert.match(rowLines(red), /NOT memory stays flat\n.*! lost: good-1/);
  assert.match(rowLines(red), /! and 11 more$/);
  assert.equal(keptRow(red).green, false);
});

test('the page keeps everything around its markers, and a page without them is refused', () => {
  const text = resultsText([keptRow(result)], machine);
  assert.match(text, /\| F1 \| A fault \| 100 \| 0 \| 3 \(7\) \|/);
  const page = withResults('a\n<!-- chaos: begin -->\nold\n<!-- chaos: end -->\nz\n', text);
  assert.ok(page.startsWith('a\n<!-- chaos: begin -->\n\n| row |') && page.endsWith('<!-- chaos: end -->\nz\n'));
  assert.ok(!page.includes('old'));
  assert.equal(withResults(page, text), page);
  assert.throws(() => withResults('a', text), /no <!-- chaos: begin -->/);
});
