import { createAnswering, limits, type Answering } from '@postrider/core';

/** What a pod knows of who answers: kept for endpoints while they have no lane, and for hosts, which many lanes share. */
export interface AnsweringBook {
  /** Of an endpoint that has a lane from now on. */
  take(endpointId: string): Answering;
  /** Its lane is forgotten. */
  keep(lane: { readonly endpointId: string; readonly answering: Answering }): void;
  ofHost(host: string): Answering;
}

/** Nothing is known. What was kept first is forgotten first, so many at a time as `max`. */
export function createAnsweringBook(max: number = limits.answeringKnownMax): AnsweringBook {
  const endpoints = createGenerations(max);
  const hosts = createGenerations(max);
  return {
    take: (endpointId) => endpoints.take(endpointId) ?? createAnswering(),
    keep: ({ endpointId, answering }) => endpoints.keep(endpointId, answering),
    ofHost(host) {
      const answering = hosts.take(host) ?? createAnswering();
      hosts.keep(host, answering);
      return answering;
    },
  };
}

/** Two maps: when one is full, the other, which is older, is dropped as a whole. */
function createGenerations(max: number) {
  let newer = new Map<string, Answering>();
  let older = new Map<string, Answering>();
  return {
    take(key: string): Answering | undefined {
      const found = newer.get(key) ?? older.get(key);
      newer.delete(key);
      older.delete(key);
      return found;
    },
    keep(key: string, answering: Answering): void {
      newer.set(key, answering);
      if (newer.size < max) return;
      older = newer;
      newer = new Map();
    },
  };
}
