import { basename, dirname } from 'node:path';
import type { DataDir } from './data-dir.ts';
import type { Screen } from './screen.ts';

/** Says what can be typed now, and how all this ends. */
export function nextSteps({ line, paint }: Screen, data: DataDir, shownPath: string, ownKafka: boolean): void {
  // The command line finds a running installation by the folder `.postrider`.
  const found = basename(data.path) === '.postrider';
  const where = found
    ? `in ${dirname(data.path)}`
    : `with the values of ${shownPath}/connection.json in the environment`;
  line();
  line(`${paint('bold', 'Try next')}, in another terminal ${where}`);
  line(`  npx postrider publish --tenant demo --type order.paid --data '{"order": 18}'`);
  line('  npx postrider attempts tail --from-beginning');
  line('  npx postrider dead-letters list --tenant demo');
  line('  npx postrider endpoint list demo');
  line('  npx postrider --help');
  line();
  const again = ownKafka ? '' : '; "npm start -- --fresh" begins anew';
  line(paint('dim', `Ctrl-C stops everything. Data and keys stay in ${shownPath}${again}.`));
}
