import { choosePorts, type EdgePlan } from '../../deploy/local/index.ts';
import { openFaultProxy, type Fault, type FaultProxy } from './fault-proxy.ts';

/** The way of one process to the brokers, through proxies of its own: what breaks on it breaks for that process alone. */
export interface KafkaEdge {
  /** `host:port` of each broker, as the process sees it. */
  readonly bootstrapServers: readonly string[];
  set(fault: Fault): void;
  /** Resets every connection that stands. */
  cut(): void;
}

export interface KafkaEdges extends AsyncDisposable {
  /** What the brokers have to listen on: `edges` of `startKafka`. */
  readonly plans: ReadonlyMap<number, readonly EdgePlan[]>;
  /** Throws for a name that was not asked for. */
  edge(name: string): KafkaEdge;
}

/** Opens a way for each name, before the brokers start. */
export async function openKafkaEdges(names: readonly string[], brokers: 1 | 3): Promise<KafkaEdges> {
  await using stack = new AsyncDisposableStack();
  const plans = new Map<number, EdgePlan[]>();
  const proxies = new Map<string, FaultProxy[]>(names.map((name) => [name, []]));
  const ports = await choosePorts(names.length * brokers);
  for (let nodeId = 1; nodeId <= brokers; nodeId++) {
    const edges: EdgePlan[] = [];
    for (const [index, name] of names.entries()) {
      const port = ports.shift() as number;
      const proxy = stack.use(await openFaultProxy({ targetPort: port, kafka: true }));
      proxies.get(name)?.push(proxy);
      edges.push({ name: `EDGE_${index}`, port, advertisedPort: proxy.port });
    }
    plans.set(nodeId, edges);
  }
  const owned = stack.move();
  return {
    plans,
    edge(name) {
      const own = proxies.get(name);
      if (own === undefined) throw new TypeError(`no edge is called ${name}`);
      return {
        bootstrapServers: own.map(({ port }) => `127.0.0.1:${port}`),
        set: (fault) => own.forEach((proxy) => proxy.set(fault)),
        cut: () => own.forEach((proxy) => proxy.cut()),
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
