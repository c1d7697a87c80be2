import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageEnvironment, settingsOf } from './image-environment.ts';

test('the image has Node know that it is in production, and glibc give back what is freed', () => {
  assert.deepEqual(imageEnvironment, { NODE_ENV: 'production', MALLOC_MMAP_THRESHOLD_: '131072' });
});

test('several lines of settings are read, and what is not understood is an error', () => {
  assert.deepEqual(settingsOf('FROM x\nENV A=1 B=two\nRUN y\nENV C=3'), { A: '1', B: 'two', C: '3' });
  assert.throws(() => settingsOf('ENV A "1 2"'), /ENV A is not NAME=value/);
});
