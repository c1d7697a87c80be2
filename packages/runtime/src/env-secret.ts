import { inspect } from 'node:util';

/** A value of the environment that must not be printed: strings, JSON and inspection show `[secret]`. */
export interface EnvSecret {
  /** The secret itself. Call it only where it is used. */
  reveal(): string;
}

const shown = '[secret]';

/** Wraps a secret. The value lives in a closure, so no property, spread or dump of the object holds it. */
export function envSecret(value: string): EnvSecret {
  return Object.freeze({
    reveal: () => value,
    toString: () => shown,
    toJSON: () => shown,
    [inspect.custom]: () => shown,
  });
}
