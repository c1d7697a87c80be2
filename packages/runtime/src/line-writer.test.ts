/** Lines written to a file, and by a `write` that the test lets end. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, type write as fsWrite } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createLineWriter } from './line-writer.ts';

function openFile(t: TestContext): { readonly fd: number; text(): string } {
  const folder = mkdtempSync(join(tmpdir(), 'lines-'));
  const file = join(folder, 'log');
  const fd = openSync(file, 'w');
  t.after(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  return { fd, text: () => readFileSync(file, 'utf8') };
}

type Done = (error: NodeJS.ErrnoException | null, written: number) => void;

function heldWrite() {
  const calls: { readonly bytes: string; readonly done: Done }[] = [];
  const write = (_fd: number, bytes: Buffer, at: number, length: number, _position: null, done: Done): void =>
    void calls.push({ bytes: bytes.toString('utf8', at, at + length), done });
  return { calls, write: write as unknown as typeof fsWrite };
}

test('head, body and tail become one line, whatever their length and letters', (t) => {
  const { fd, text } = openFile(t);
  const writer = createLineWriter({ fd, heldBytesMax: 10_000_000 });
  const long = 'ü'.repeat(100_000);
  writer.line('{"a":1,', '{"b":"é"}', '\n');
  writer.line('{"a":2,', `{"b":"${long}"}`, '\n');
  writer.line('{"a":3,', '{"b":"x"}', '\n');
  writer.flushSync();
  assert.equal(text(), `{"a":1,"b":"é"}\n{"a":2,"b":"${long}"}\n{"a":3,"b":"x"}\n`);
});

test('lines gather while others are written, and go on from where a write ended', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { calls, write } = heldWrite();
  const writer = createLineWriter({ fd: -1, heldBytesMax: 10_000, write });
  writer.line('{,', '{}', '1');
  t.mock.timers.tick(10);
  writer.line('{,', '{}', '2');
  writer.line('{,', '{}', '3');
  t.mock.timers.tick(1_000);
  assert.deepEqual(
    calls.map(({ bytes }) => bytes),
    ['{,}1'],
  );
  calls[0]?.done(null, 3);
  assert.equal(calls[1]?.bytes, '1');
  calls[1]?.done(null, 1);
  t.mock.timers.tick(10);
  assert.equal(calls[2]?.bytes, '{,}2{,}3');
});

test('a full pipe is asked again; a broken one ends nothing', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { calls, write } = heldWrite();
  const writer = createLineWriter({ fd: -1, heldBytesMax: 10_000, write });
  writer.line('{,', '{}', '1');
  t.mock.timers.tick(10);
  calls[0]?.done(Object.assign(new Error('full'), { code: 'EAGAIN' }), 0);
  t.mock.timers.tick(100);
  assert.equal(calls[1]?.bytes, '{,}1');
  calls[1]?.done(Object.assign(new Error('broken'), { code: 'EPIPE' }), 0);
  writer.line('{,', '{}', '2');
  t.mock.timers.tick(10);
  assert.equal(calls[2]?.bytes, '{,}2');
});

test('what is not taken is held up to a bound; lines beyond it are dropped, and later ones written', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { calls, write } = heldWrite();
  const writer = createLineWriter({ fd: -1, heldBytesMax: 1_000, write });
  const line = (text: string): void => writer.line('{,', `{${text}}`, '');
  line('a'.repeat(200));
  t.mock.timers.tick(10);
  line('b'.repeat(300));
  line('c');
  calls[0]?.done(null, calls[0].bytes.length);
  line('d'.repeat(200));
  t.mock.timers.tick(10);
  assert.equal(calls[1]?.bytes, `{,c}{,${'d'.repeat(200)}}`);
});
