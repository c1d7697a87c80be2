import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Runs a script in a process of its own, on one thread, and says which part of what it makes is moved to old memory, 0 to 1.
 * @param script an ES module
 */
export async function movedToOld(script: string): Promise<number> {
  const traced = [
    '--trace-gc',
    '--trace-gc-nvp',
    '--no-allocation-site-pretenuring',
    '--single-threaded',
    '--expose-gc',
  ];
  const args = [...traced, '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
  const young = stdout.split('\n').filter((line) => line.includes('"gc":"s"'));
  const sum = (of: string): number =>
    young.reduce((total, line) => total + Number(new RegExp(`"${of}":(\\d+)`).exec(line)?.[1] ?? 0), 0);
  return sum('promoted') / sum('allocated');
}
