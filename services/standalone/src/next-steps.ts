import type { Screen } from './screen.ts';

export interface NextSteps {
  /** The data folder, as a person would type it. */
  readonly dataDir: string;
  /** Whether it is the one where the command line looks by itself. */
  readonly isDefault: boolean;
  /** Whether Kafka is one's own. */
  readonly ownKafka: boolean;
}

/** Says what can be typed now, and how all this ends. */
export function tellNextSteps({ line, paint }: Screen, { dataDir, isDefault, ownKafka }: NextSteps): void {
  const where = isDefault
    ? 'in this folder'
    : `with POSTRIDER_SERVER, POSTRIDER_API_KEY and POSTRIDER_KAFKA_BROKERS as in ${dataDir}/connection.json`;
  line();
  line(`${paint('bold', 'Try next')}, in another terminal ${where}`);
  line(`  npx postrider publish --tenant demo --type order.paid --data '{"order": 18}'`);
  line('  npx postrider attempts tail --from-beginning');
  line('  npx postrider dead-letters list --tenant demo');
  line('  npx postrider endpoint list demo');
  line('  npx postrider doctor');
  line('  npx postrider --help');
  line();
  const again = ownKafka ? '' : '; "npm start -- --fresh" begins anew';
  line(paint('dim', `Ctrl-C stops everything. Data and keys stay in ${dataDir}${again}.`));
}
