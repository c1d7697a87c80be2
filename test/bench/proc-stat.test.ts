import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMicroseconds, cpuOfStat } from './proc-stat.ts';

test('CPU time is user and system time, whatever the process is called', () => {
  const stat = (name: string) => `42 (${name}) S 1 42 42 0 -1 4194560 1 2 3 4 150 25 7 9 20 0 11 0 1 2 3`;
  assert.equal(cpuOfStat(stat('node')), 1_750_000);
  assert.equal(cpuOfStat(stat('a) b (c')), 1_750_000);
  assert.throws(() => cpuOfStat('nothing'), /no \/proc/);
});

test('a process that works uses CPU time', { skip: process.platform !== 'linux' }, async () => {
  const before = await cpuMicroseconds(process.pid);
  const own = process.cpuUsage();
  // A tick is 10 ms: 50 ms of work must show.
  while (process.cpuUsage(own).user + process.cpuUsage(own).system < 50_000);
  assert.ok((await cpuMicroseconds(process.pid)) >= before + 30_000);
});
