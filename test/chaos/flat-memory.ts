import { residentMiB } from '../support/resident-memory.ts';
import type { Scene } from './scene.ts';

/** How much more a process may hold while something is broken: the garbage collector takes its time. */
const growthMiBDefault = 64;

/** Promises that no router and no dispatcher has grown by much between the call and `check`. */
export function flatMemory(scene: Scene, growthMiBMax = growthMiBDefault): { check(): void } {
  const services = [...scene.stack.routers, ...scene.stack.dispatchers];
  const before = services.map(residentMiB);
  return {
    check() {
      const grown = services.map((service, index) => residentMiB(service) - (before[index] ?? 0));
      const most = Math.round(Math.max(...grown));
      scene.promise(`memory of each process grew by at most ${growthMiBMax} MiB (${most})`, most <= growthMiBMax);
    },
  };
}
