import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './bounds.ts';

test('a bench is well when every figure is within its bounds, and a figure that is no number is within none', () => {
  const well = { figure: 'cpuRatio', value: 1.25, most: 1.25 };
  assert.deepEqual(judge([well]), { bounds: [well], ok: true });
  assert.ok(judge([well, { figure: 'rate', value: 0.8, least: 0.8 }]).ok);
  for (const bad of [
    { figure: 'cpuRatio', value: 1.26, most: 1.25 },
    { figure: 'rate', value: 0.79, least: 0.8 },
    { figure: 'rate', value: Number.NaN, least: 0 },
  ])
    assert.ok(!judge([well, bad]).ok, JSON.stringify(bad));
});
