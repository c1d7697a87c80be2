/** Values that many rows share, by small numbers. A value is forgotten when as many releases as interns have been asked for. */
export class Interner<T> {
  readonly #numbers = new Map<T, number>();
  readonly #values: (T | undefined)[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];

  /** How many values are in use. */
  get size(): number {
    return this.#numbers.size;
  }

  /** The value's number, used once more. */
  intern(value: T): number {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = this.#free.pop() ?? this.#values.length;
      this.#numbers.set(value, number);
      this.#values[number] = value;
      this.#uses[number] = 0;
    }
    this.#uses[number] = (this.#uses[number] as number) + 1;
    return number;
  }

  /** The number of a value that is in use; undefined when it is not. */
  numberOf(value: T): number | undefined {
    return this.#numbers.get(value);
  }

  valueOf(number: number): T {
    return this.#values[number] as T;
  }

  /** The number is used once less. */
  release(number: number): void {
    const uses = (this.#uses[number] as number) - 1;
    this.#uses[number] = uses;
    if (uses > 0) return;
    this.#numbers.delete(this.#values[number] as T);
    this.#values[number] = undefined;
    this.#free.push(number);
  }
}
