import assert from 'node:assert/strict';
import { test } from 'node:test';
import { profileLines, summarizeProfile, type CpuProfile } from './cpu-profile.ts';

const node = (id: number, functionName: string, url: string, lineNumber: number) => ({
  id,
  callFrame: { functionName, url, lineNumber },
});
const profile: CpuProfile = {
  nodes: [
    node(1, 'sign', 'file:///repo/packages/core/src/sign.ts', 9),
    node(2, '', 'file:///repo/node_modules/undici/lib/client.js', 4),
    node(3, '(idle)', '', -1),
    node(4, '(garbage collector)', '', -1),
    node(5, 'verify', 'file:///repo/packages/core/src/sign.ts', 19),
  ],
  startTime: 1_000,
  samples: [1, 2, 1, 3, 4, 5, 1],
  timeDeltas: [0, 10, 20, 30, 40, 50, 60],
};

test('self time is summed by function and by module, without idle time', () => {
  const { busyUs, functions, modules } = summarizeProfile(profile, 0, Infinity, '/repo');
  assert.equal(busyUs, 10 + 20 + 30 + 50 + 60);
  assert.deepEqual(functions, [
    { name: 'verify packages/core/src/sign.ts:20', us: 60 },
    { name: '(garbage collector)', us: 50 },
    { name: 'sign packages/core/src/sign.ts:10', us: 40 },
    { name: '(anonymous) node_modules/undici/lib/client.js:5', us: 20 },
  ]);
  assert.deepEqual(modules, [
    { name: 'packages/core', us: 100 },
    { name: '(garbage collector)', us: 50 },
    { name: 'undici', us: 20 },
  ]);
});

test('only what lies between the two moments counts', () => {
  assert.deepEqual(summarizeProfile(profile, 1_010, 1_060, '/repo').functions, [
    { name: 'sign packages/core/src/sign.ts:10', us: 30 },
    { name: '(anonymous) node_modules/undici/lib/client.js:5', us: 20 },
  ]);
});

test('a line tells the part of the busy time and the time per delivery', () => {
  assert.deepEqual(
    profileLines(
      [
        { name: 'sign', us: 50 },
        { name: 'verify', us: 1 },
      ],
      200,
      10,
      1,
    ),
    [' 25.0 %    5.00 µs  sign'],
  );
});
