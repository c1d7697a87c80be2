/** What a sink has read, request by request in the order of arrival; one column for each fact. */
export interface Arrivals {
  /** Monotonic milliseconds: when it was to be sent, and when its first bytes arrived. */
  readonly intendedAt: Float64Array;
  readonly arrivedAt: Float64Array;
  readonly stream: Uint8Array;
  readonly number: Uint32Array;
  readonly endpoint: Uint32Array;
  /** What it was answered; 0: nothing. */
  readonly status: Uint16Array;
}

const CAPACITY_FIRST = 65_536;
const names = ['intendedAt', 'arrivedAt', 'stream', 'number', 'endpoint', 'status'] as const;

/** Columns that grow. */
export class ArrivalLog {
  #columns = columns(CAPACITY_FIRST);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(one: { readonly [name in keyof Arrivals]: number }): void {
    this.#reserve(1);
    for (const name of names) this.#columns[name][this.#length] = one[name];
    this.#length += 1;
  }

  append(part: Arrivals): void {
    const { length } = part.arrivedAt;
    this.#reserve(length);
    for (const name of names) this.#columns[name].set(part[name], this.#length);
    this.#length += length;
  }

  /** Everything so far; it is forgotten. */
  take(): Arrivals {
    const all = this.#columns;
    const end = this.#length;
    this.#length = 0;
    return {
      intendedAt: all.intendedAt.slice(0, end),
      arrivedAt: all.arrivedAt.slice(0, end),
      stream: all.stream.slice(0, end),
      number: all.number.slice(0, end),
      endpoint: all.endpoint.slice(0, end),
      status: all.status.slice(0, end),
    };
  }

  #reserve(more: number): void {
    const { length } = this.#columns.arrivedAt;
    if (this.#length + more <= length) return;
    const grown = columns(Math.max(length * 2, this.#length + more));
    for (const name of names) grown[name].set(this.#columns[name]);
    this.#columns = grown;
  }
}

function columns(capacity: number) {
  return {
    intendedAt: new Float64Array(capacity),
    arrivedAt: new Float64Array(capacity),
    stream: new Uint8Array(capacity),
    number: new Uint32Array(capacity),
    endpoint: new Uint32Array(capacity),
    status: new Uint16Array(capacity),
  };
}
