/** Writes the page of the command line: part of `npm run generate`. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { cliPage } from './src/cli-page.ts';

writeFileSync(resolve(import.meta.dirname, '../../docs/cli.md'), cliPage());
