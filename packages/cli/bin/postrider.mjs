#!/usr/bin/env node
// Runs under whatever Node npx found, and hands over to the pinned Node of the checkout, which runs TypeScript as it is.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const pinned = resolve(here, '../../../node_modules/.bin/node');
const main = join(here, '../src/main.ts');
const node = existsSync(pinned) ? pinned : process.execPath;
const child = spawn(node, ['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// A signal may reach both (Ctrl-C goes to the whole process group) or only this: the child takes it twice with patience.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(`postrider: cannot start Node: ${error.message}. Run "npm ci" in the checkout first.`);
  process.exitCode = 1;
});
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
