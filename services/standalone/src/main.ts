import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '@postrider/runtime';
import { asksForHelp, readStandaloneConfig, usage } from './config.ts';
import { createScreen } from './screen.ts';
import { startStandalone } from './service.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const args = process.argv.slice(2);

if (asksForHelp(args)) process.stdout.write(usage);
else {
  const screen = createScreen(process.stdout);
  await run('Postrider', (signal) => startStandalone(readStandaloneConfig(args, root), screen, signal));
}
