import { openFaultProxy, type Fault, type FaultProxy } from '../support/fault-proxy.ts';
import { twentyCustomers } from '../support/customers.ts';
import type { Receiver } from '../support/receiver.ts';
import type { Row, RowFacts } from './row.ts';
import type { Scene } from './scene.ts';

/** The ways of all dispatchers to each endpoint: every endpoint has an origin of its own, which can fail by itself. */
export interface EndpointEdges {
  readonly paths: readonly string[];
  /** Stands between the dispatchers and the receiver from now on. */
  readonly urls: (receiver: Receiver) => Promise<(path: string) => string>;
  /** What becomes of requests to these paths. */
  set(paths: Iterable<string>, fault: Fault): void;
  /** All is well again; what was on its way is lost. */
  mend(paths: Iterable<string>): void;
}

/** A row that breaks the ways to endpoints. */
export function rowOfEdges(facts: RowFacts, inject: (scene: Scene, edges: EndpointEdges) => Promise<void>): Row {
  return {
    ...facts,
    async prepare(undo) {
      const edges = openEndpointEdges(undo);
      return { urls: edges.urls, inject: (scene) => inject(scene, edges) };
    },
  };
}

/** One way for each endpoint; closed with `undo`. */
function openEndpointEdges(undo: AsyncDisposableStack): EndpointEdges {
  const edges = new Map<string, FaultProxy>();
  const paths = twentyCustomers.map(({ path }) => path);
  const edgesOf = (some: Iterable<string>): FaultProxy[] => [...some].flatMap((path) => edges.get(path) ?? []);
  return {
    paths,
    async urls({ port: targetPort }) {
      for (const path of paths) edges.set(path, undo.use(await openFaultProxy({ targetPort })));
      return (path) => `http://127.0.0.1:${edges.get(path)?.port ?? targetPort}/${path}`;
    },
    set(some, fault) {
      for (const edge of edgesOf(some)) edge.set(fault);
    },
    mend(some) {
      for (const edge of edgesOf(some)) {
        edge.cut();
        edge.set({ kind: 'none' });
      }
    },
  };
}
