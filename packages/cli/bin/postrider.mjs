#!/usr/bin/env node
// Runs under whatever Node npx found, and hands over to the pinned Node of the checkout, which runs TypeScript as it is.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const pinned = resolve(
  import.meta.dirname ?? new URL('.', import.meta.url).pathname,
  '../../../node_modules/.bin/node',
);
const main = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../src/main.ts');
const node = existsSync(pinned) ? pinned : process.execPath;
const child = spawn(node, ['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// The terminal gives Ctrl-C to the whole process group: the child decides how to end, this only waits for it.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
child.on('error', (error) => {
  console.error(`postrider: cannot start Node: ${error.message}. Run "npm ci" in the checkout first.`);
  process.exitCode = 1;
});
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
