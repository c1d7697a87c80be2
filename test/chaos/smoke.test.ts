/**
 * Two rows of the fault table on a real Kafka, with shorter phases than `npm run chaos` gives them: one in which nothing may
 * be repeated, and one in which a process dies.
 */
// test-timeout: 240 s
// test-alone: it measures
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { rowLines } from './report.ts';
import { rows } from './rows/index.ts';
import { briefPace, runRow } from './run-row.ts';

async function green(context: TestContext, id: string): Promise<void> {
  const row = rows.find((one) => one.id === id);
  assert.ok(row !== undefined, `there is no row ${id}`);
  const result = await runRow(row, briefPace);
  assert.ok(!('skip' in result));
  context.diagnostic(rowLines(result));
  assert.deepEqual(result.problems, []);
  assert.ok(result.deliveries > 500);
}

test('every process restarted, one after the other: nothing lost, nothing repeated', (context) => green(context, 'F4'));

test('a dispatcher stopped and woken: nothing lost, and awake it sends nothing before it owns anew', (context) =>
  green(context, 'F6'));
