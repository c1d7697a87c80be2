/** Writes the page of settings: part of `npm run generate`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from './repo-files.ts';
import { settingsPage, settingsPagePath } from './settings-page.ts';

writeFileSync(join(repoRoot, settingsPagePath), settingsPage());
