import { encode, openRaw } from '../../services/control-plane/testing/raw-calls.ts';
import { errorWords, type RpcFailure } from './canary-places.ts';
import type { MethodName } from '@postrider/core';

/** JSON of a request. */
export type Json = Extract<Parameters<typeof encode>[1], { readonly [name: string]: unknown }>;

/** Calls the control plane and keeps each answer and each error as it came over the wire. */
export interface CanaryCaller extends Disposable {
  /** The answer's bytes; an error's words when it is refused. `key` instead of the caller's own. */
  ask(method: MethodName, request: Json, key?: string): Promise<Buffer>;
  /** All that was answered: of methods that may show a secret by the method's name, everything else together. */
  places(): Map<string, Buffer>;
  /** How many calls were refused. */
  readonly refused: number;
}

/** `showing`: the methods whose answers, not errors, may show a secret. */
export function canaryCaller(port: number, apiKey: string, showing: ReadonlySet<MethodName>): CanaryCaller {
  const client = openRaw(port, apiKey);
  const told = new Map<string, Buffer[]>();
  let refused = 0;
  const keep = (place: string, bytes: Buffer): Buffer => {
    told.set(place, [...(told.get(place) ?? []), bytes]);
    return bytes;
  };
  return {
    get refused() {
      return refused;
    },
    async ask(method, request, key) {
      using stranger = key === undefined ? null : openRaw(port, key);
      try {
        const answer = await (stranger ?? client).call(method, encode(method, request));
        return keep(showing.has(method) ? `shown by ${method}` : 'answers', answer);
      } catch (error) {
        refused += 1;
        return keep('errors', Buffer.from(`${errorWords(error as RpcFailure)}\n`));
      }
    },
    places: () => new Map([...told].map(([place, parts]) => [place, Buffer.concat(parts)])),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}
