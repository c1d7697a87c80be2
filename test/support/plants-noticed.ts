import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Plant } from './plant.ts';

/** A mistake, and the tests that must notice it. */
export interface Hole {
  readonly what: string;
  readonly plants: readonly Plant[];
  /** The tests that are run with it. */
  readonly file: string;
  /** Only the tests with this in their names. */
  readonly only?: string;
  /** What the red run says. */
  readonly says: RegExp;
}

const root = join(import.meta.dirname, '../..');
/** Longer than what is not planted takes by far. */
const oneTestMs = 6_000;
const runMs = 60_000;

/** One test per hole: a planted process runs the tests, and they are red for the reason that the hole gives them. */
export function holesAreNoticed(where: string, holes: readonly Hole[]): void {
  suite(where, { concurrency: 2 }, () => {
    for (const hole of holes) {
      test(hole.what, async () => {
        const { code, out } = await run(hole);
        assert.equal(code, 1, out);
        assert.match(out, hole.says);
      });
    }
  });
}

function run({ plants, file, only }: Hole): Promise<{ readonly code: number | null; readonly out: string }> {
  const flags = ['--import', join(root, 'test/support/plant.ts'), '--test-reporter=spec'];
  if (only !== undefined) flags.push(`--test-name-pattern=${only}`, `--test-timeout=${oneTestMs}`);
  // Without the context of this file's own runner, which would take the run for one of its own.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, POSTRIDER_TEST_PLANT: JSON.stringify(plants) };
  return new Promise((resolve) => {
    const options = { cwd: root, env, timeout: runMs, encoding: 'utf8' as const };
    const child = execFile(process.execPath, [...flags, '--test-force-exit', file], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, out: stdout + stderr }),
    );
  });
}
