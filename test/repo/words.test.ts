import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreignPlaces, foreignWords, ownerlessNotes } from './words.ts';

const words = (text: string) => foreignWords([{ path: 'docs/a.md', text }]).map(({ problem }) => problem);
const places = (text: string) => foreignPlaces([{ path: 'docs/a.md', text }]).length;
const notes = (text: string) => ownerlessNotes([{ path: 'services/router/src/a.ts', text }]).length;

test('a word that the glossary has another word for is found, in prose and in names', () => {
  for (const text of [
    'the sliding window of a lane',
    'const retryWindow = 3;',
    'const windowMs = 3;',
    'a webhook message',
    'one hook call',
    'sent to the DLQ',
    'the dead-letter queue',
    'a retry topic',
    'a circuit breaker',
  ]) {
    assert.equal(words(text).length, 1, text);
  }
});

test("the glossary's own words, and an operating system's name, are not found", () => {
  for (const text of ['a dead letter on dead-letters', 'a retry tier', 'the breaker', 'on Windows', 'each delivery']) {
    assert.deepEqual(words(text), [], text);
  }
});

test('a finding tells the line and what to write', () => {
  const [finding] = foreignWords([{ path: 'docs/a.md', text: 'one\ntwo\nthe DLQ' }]);
  assert.equal(finding?.line, 3);
  assert.match(finding.problem, /"DLQ"; write dead letter/);
});

test('generated code is not read: its words are those of the proto, which is', () => {
  assert.equal(foreignWords([{ path: 'packages/contract/src/a.ts', text: 'window' }]).length, 0);
  assert.equal(foreignWords([{ path: 'proto/postrider/v1/a.proto', text: '// window' }]).length, 1);
});

test('folders of a machine, documents from elsewhere and registry hosts are found', () => {
  for (const text of [
    '/work/main/x',
    '/home/ann/x',
    'see /tmp/x',
    'see design.md §3',
    'registry.example.com/x',
    'shared/research/x',
  ]) {
    assert.ok(places(text) >= 1, text);
  }
  assert.equal(places('see docs/architecture.md and deploy/local'), 0);
  assert.equal(foreignPlaces([{ path: 'deploy/docker/x', text: 'mount /tmp/ for scratch' }]).length, 0);
});

test('a note without an owner is found, one with an owner is not', () => {
  assert.equal(notes('// TODO: later'), 1);
  assert.equal(notes('// FIXME'), 1);
  assert.equal(notes('// TODO(ann): after the next Kafka release'), 0);
});
