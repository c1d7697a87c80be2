/**
 * Plants one mistake in a process that is about to start, so that a test can show that it would be noticed:
 *
 *   node --import ./test/support/plant.ts services/dispatcher/src/main.ts      with POSTRIDER_TEST_PLANT=<JSON Plant, or an array of them>
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
  const plants = [JSON.parse(text) as Plant | readonly Plant[]].flat();
  registerHooks({
    load(url, context, nextLoad) {
      const mine = plants.filter(({ file }) => url.endsWith(file));
      if (mine.length === 0) return nextLoad(url, context);
      const source = mine.reduce(planted, readFileSync(fileURLToPath(url), 'utf8'));
      return { format: 'module-typescript', source, shortCircuit: true };
    },
  });
}

function planted(source: string, { file, find, replace }: Plant): string {
  const places = source.split(find).length - 1;
  if (places !== 1) throw new Error(`plant: the text stands ${places} times in ${file}, not once`);
  return source.replace(find, () => replace);
}
