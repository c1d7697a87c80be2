import { setFlagsFromString } from 'node:v8';

/**
 * Whatever is made begins in young memory, as long as this process lives. V8 learns where things are made that live for long,
 * and makes those of the same place in old memory from then on. In a service whose work waits for answers it learns that of
 * nearly everything, from the first busy moments on, when young memory is small; and what lies in old memory is collected
 * seldom, and has all that it names moved there as well, though it was needed for some milliseconds.
 * To be called first, before there is anything to learn from; `run` does.
 */
export function beginYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
