/**
 * Plants one mistake in a process that is about to start, so that a test can show that it would be noticed:
 *
 *   node --import ./test/support/plant.ts services/dispatcher/src/main.ts      with POSTRIDER_TEST_PLANT=<JSON Plant>
 *
 * The source on disk stays as it is. A plant whose text does not stand exactly once in its file fails at once, so that a
 * plant cannot quietly stop planting.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface Plant {
  /** End of the file's path, for example `services/dispatcher/src/put.ts`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const text = process.env['POSTRIDER_TEST_PLANT'];
if (text !== undefined) {
  // Postrider's own processes refuse environment names that they do not know.
  delete process.env['POSTRIDER_TEST_PLANT'];
  const plant = JSON.parse(text) as Plant;
  registerHooks({
    load(url, context, nextLoad) {
      if (!url.endsWith(plant.file)) return nextLoad(url, context);
      const source = readFileSync(fileURLToPath(url), 'utf8');
      const places = source.split(plant.find).length - 1;
      if (places !== 1) throw new Error(`plant: the text stands ${places} times in ${plant.file}, not once`);
      return {
        format: 'module-typescript',
        source: source.replace(plant.find, () => plant.replace),
        shortCircuit: true,
      };
    },
  });
}
