import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricsOutOfStep } from './metrics-page.ts';

const page = (text: string) => ({ path: 'docs/operations/telemetry.md', text });
const code = (text: string) => ({ path: 'services/router/src/events.ts', text });

test('a metric that the page leaves out is found, and one on the page that no code makes', () => {
  const problems = (text: string, source: string) =>
    metricsOutOfStep([page(text), code(source)]).map(({ path, problem }) => `${path}: ${problem}`);
  assert.deepEqual(problems('`postrider_a`', "counter('postrider_a', 'A')"), []);
  assert.deepEqual(problems('nothing', "counter('postrider_a', 'A')"), [
    'services/router/src/events.ts: postrider_a is not in docs/operations/telemetry.md',
  ]);
  assert.deepEqual(problems('`process_b`', ''), ['docs/operations/telemetry.md: no code makes process_b']);
});
