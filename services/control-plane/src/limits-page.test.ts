import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { limits } from '@postrider/core';
import { serverLimits } from './server-limits.ts';

const page = readFileSync(new URL('../../../docs/api/limits.md', import.meta.url), 'utf8');
const units: readonly (readonly [suffix: RegExp, steps: readonly (readonly [of: number, unit: string])[]])[] = [
  [
    /Bytes(?:Max)?$/,
    [
      [1_048_576, 'MiB'],
      [1_024, 'KiB'],
      [1, 'B'],
    ],
  ],
  [
    /Ms$/,
    [
      [3_600_000, 'h'],
      [60_000, 'min'],
      [1_000, 's'],
      [1, 'ms'],
    ],
  ],
  [/./, [[1, '']]],
];

/** A limit as people write it: in the largest unit of which it has a whole number. */
function text(name: string, value: number): string {
  const steps = units.find(([suffix]) => suffix.test(name))?.[1] ?? [];
  const [of = 1, unit = ''] = steps.find(([size]) => value % size === 0) ?? [];
  return `${(value / of).toLocaleString('en-US')} ${unit}`.trim();
}

test('the page of limits says what the code does, of every limit that it names', () => {
  const rows = Array.from(page.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm), ([, name = '', value = '']) => [
    name,
    value.trim(),
  ]);
  assert.ok(rows.length >= 40, `${rows.length}`);
  for (const [name = '', value] of rows) {
    const number = (serverLimits as Readonly<Record<string, number>>)[name];
    assert.ok(number !== undefined, `there is no limit ${name}`);
    assert.equal(value, text(name, number), name);
  }
  assert.equal(new Set(rows.map(([name]) => name)).size, rows.length);
  assert.match(page, new RegExp(`nested more than ${limits.requestDepthMax} deep`));
});

test('limits fit together', () => {
  const { pageBytesMax, requestBytesMax, answerBytesMax, unreadAnswerBytesMax } = serverLimits;
  assert.ok(pageBytesMax + requestBytesMax <= answerBytesMax, 'the first entry of a page may be as large as a request');
  assert.ok(unreadAnswerBytesMax >= 4 * answerBytesMax);
  const { callDeadlineMs, leaderWaitMs, mutationDeadlineMs, revisionWaitMs, requestArrivesMs, firstCallMs } =
    serverLimits;
  assert.ok(callDeadlineMs >= Math.max(leaderWaitMs, mutationDeadlineMs, revisionWaitMs));
  assert.ok(firstCallMs >= requestArrivesMs && serverLimits.connectionIdleMs > firstCallMs);
  assert.ok(serverLimits.connectionsPerAddressMax < serverLimits.connectionsMax);
});
