import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

/** Things of which each is needed for a while, so that all survive a few collections; then how many places V8 learnt of. */
const work = `
  const rest = [];
  const make = (at) => ({ at, of: [at, at + 1] });
  for (let at = 0; at < 3_000_000; at += 1) rest[at % 200_000] = make(at);
`;

async function placesLearnt(first: string): Promise<number> {
  const script = `import { beginYoung, run } from '@postrider/runtime'; ${first} ${work}`;
  // One thread, or what is learnt hangs on how busy the machine is.
  const args = ['--trace-pretenuring-statistics', '--single-threaded', '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: import.meta.dirname,
    maxBuffer: 2 ** 26,
  });
  return stdout.match(/=> tenure\b/gu)?.length ?? 0;
}

test('nothing is made in old memory because what was made in the same place lived for long', async () => {
  assert.equal(await placesLearnt('beginYoung();'), 0);
  assert.equal(await placesLearnt(`void run('service', () => new Promise(() => {}));`), 0);
  // Otherwise the figure above would prove nothing. On a machine that stands still now and then it does not learn each time.
  let learnt = 0;
  for (let left = 10; learnt === 0 && left > 0; left -= 1) learnt = await placesLearnt('');
  assert.notEqual(learnt, 0);
});
