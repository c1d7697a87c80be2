import { limits } from '@postrider/core';

/** Looks at what is there now, and says whether it is full: from 80 % of its bound on, until 50 % are left, or `resumeAt`. */
export type Fullness = (amount: number) => boolean;

/** Of something that is empty. */
export function createFullness(max: number, resumeAt: number = max * limits.resumeAtFraction): Fullness {
  let full = false;
  return (amount) => {
    full = full ? amount > resumeAt : amount >= max * limits.pauseAtFraction;
    return full;
  };
}
