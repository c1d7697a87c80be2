import { inspect } from 'node:util';

const MASK = '[secret]';

/**
 * A value that cannot be printed, logged, serialised or compared by accident: every way of turning it into text gives
 * `[secret]`. Whoever needs the value says so by `reveal`.
 */
export class Secret {
  readonly #value: Buffer;

  /** @param value a text (kept as UTF-8) or bytes (copied) */
  constructor(value: string | Uint8Array) {
    this.#value = typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value);
  }

  /** The value as text. Never put it into an error, a log line or a record. */
  reveal(): string {
    return this.#value.toString('utf8');
  }

  /** A copy of the value's bytes. Never put it into an error, a log line or a record. */
  revealBytes(): Buffer {
    return Buffer.from(this.#value);
  }

  /** Length in bytes. */
  get length(): number {
    return this.#value.length;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [Symbol.toPrimitive](): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
