import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJavaVersion } from './java-version.ts';

test('the feature release is read from the output of every Java since 8', () => {
  assert.equal(parseJavaVersion('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment'), 17);
  assert.equal(parseJavaVersion('java version "1.8.0_292"'), 8);
  assert.equal(parseJavaVersion('openjdk version "21-ea" 2023-09-19'), 21);
  assert.equal(parseJavaVersion('openjdk version "26" 2026-03-17'), 26);
  assert.equal(parseJavaVersion('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "11.0.2"'), 11);
});

test('output without a version gives undefined, not a guess', () => {
  assert.equal(parseJavaVersion(''), undefined);
  assert.equal(parseJavaVersion('sh: java: not found'), undefined);
});
