import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repoRoot } from './repo-files.ts';

const page = readFileSync(join(repoRoot, 'docs/operations/telemetry.md'), 'utf8');
const rules = readFileSync(join(repoRoot, 'deploy/helm/postrider/templates/prometheus-rule.yaml'), 'utf8');

/** What only a person can say: how much is meant, what a rise is, and what the container may take. */
const judgedByPeople = [
  'postrider_waiting_deliveries_by_reason',
  'postrider_router_quarantined',
  'process_resident_memory_bytes',
  'process_heap_used_bytes',
];

/** The metrics of each row of the page, and its alarm. */
const rows = [...page.matchAll(/^\| (`(?:postrider|process)_[^|]*)\|[^|]*\|[^|]*\|([^|]*)\|$/gm)].map(
  ([, names = '', alarm = '']) => ({
    metrics: [...names.matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => name),
    rings: alarm.trim() !== '',
  }),
);
const ringing = new Set(rows.flatMap(({ metrics, rings }) => (rings ? metrics : [])));
const ruled = new Set(
  [...rules.matchAll(/\b((?:postrider|process)_[a-z_]+)\{/g)].map(([, name = '']) =>
    name.replace(/_(?:total|bucket)$/, ''),
  ),
);

test('every alarm of the page has a rule in the chart, but those that only a person can set', () => {
  assert.ok(ringing.size > 30);
  const missing = [...ringing].filter((name) => !ruled.has(name) && !judgedByPeople.includes(name));
  assert.deepEqual(missing, []);
});

test('no rule of the chart rings by a metric for which the page has no alarm', () => {
  const untold = [...ruled].filter((name) => !ringing.has(name));
  assert.deepEqual(untold, []);
});
