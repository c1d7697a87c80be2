export type { Clock } from './clock.ts';
export * from './errors.ts';
export * from './ids.ts';
export * from './limits.ts';
export * from './model.ts';
