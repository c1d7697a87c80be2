import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { programOfNobody } from './command-tree.ts';
import type { Command } from 'commander';

const root = resolve(import.meta.dirname, '../../..');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((path) => join('docs', path)),
].filter((path) => path.endsWith('.md'));

/** What is called so and typed by nobody: spans, and the words that a key's name is made of. */
const noCommands = new Set(['route', 'attempt', 'key id']);

/** What a page tells people to type, word by word, up to the first that is no plain word. */
function typed(text: string): string[][] {
  const lines = text.matchAll(/(?:`|^|\$ )(?:npx )?postrider ((?:[a-z][a-z-]*(?= |`|$) ?)+)/gm);
  return [...lines].map(([, words = '']) => words.trim().split(' '));
}

/** Whether the words lead to a command; what follows a command that has none below it are its arguments. */
function leads(command: Command, [word, ...rest]: readonly string[]): boolean {
  if (command.commands.length === 0 || word === undefined) return true;
  const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
  return next !== undefined && leads(next, rest);
}

test('every command that a page names is there', () => {
  const program = programOfNobody();
  const named = pages.flatMap((path) =>
    typed(readFileSync(join(root, path), 'utf8')).map((words) => ({ path, words: words.join(' ') })),
  );
  assert.ok(named.length > 100, `${named.length} commands found`);
  const missing = named.filter(({ words }) => !noCommands.has(words) && !leads(program, words.split(' ')));
  assert.deepEqual(missing, []);
});
