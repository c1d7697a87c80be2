import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figuresText, shownResults, writtenResults, type Recorded } from './performance-page.ts';

test('docs/performance.md and its picture show the results on record; `npm run bench -- page` writes them', async () => {
  assert.deepEqual(await writtenResults(), await shownResults());
});

test('each figure stands beside what it must be, which is bold where it is missed', () => {
  const machine = { cores: 2, cpu: 'some', node: '26.0.0', kafka: '4.0.0', loadBefore: 0.1, loadAfter: 2 };
  const bounds = [
    { figure: 'ratio', value: 1.5, most: 2 },
    { figure: 'rate', value: 0.7, least: 0.8 },
    { figure: 'p99', value: null as unknown as number, most: 5 },
  ];
  const recorded: Recorded = {
    summary: { bench: 'some', bounds, ok: false, doubts: 'the load was late itself', ...machine },
    time: '2026-11-21T10:00:00.000Z',
  };
  assert.deepEqual(figuresText([recorded]).split('\n').slice(2, 5), [
    '| some | ratio | 1.5 | ≤ 2 | 2026-11-21, load 0.1 → 2; doubtful |',
    '|  | rate | 0.7 | **≥ 0.8** |  |',
    '|  | p99 | never | **≤ 5** |  |',
  ]);
});
