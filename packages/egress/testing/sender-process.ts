/**
 * Sends what it is asked to over IPC, through the door with its default limits, and tells what that cost the process. Its
 * name server knows every name as an address of loopback, except three.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createEgress, createPolicy } from '../src/index.ts';
import { nameServer, type NameServerAnswer } from './name-server.ts';
import { realClock, requestTo } from './support.ts';
import type { Question, Usage } from './sender.ts';

const nameAnswers: Readonly<Record<string, NameServerAnswer | undefined>> = {
  'nxdomain.example.com': { code: 'nxdomain' },
  'servfail.example.com': { code: 'servfail' },
  'silence.example.com': undefined,
};
const loopback = { records: [Buffer.from([127, 0, 0, 1])] };
const names = await nameServer((name, type) => {
  if (Object.hasOwn(nameAnswers, name)) return nameAnswers[name];
  return type === 'A' ? loopback : {};
});
/** Of the namespace that a test makes. */
const unreachableRange = '10.99.0.0/24';

const dialled = new Set<string>();
const egress = createEgress({
  policy: createPolicy({ allowHttp: true, allowLoopback: true, ports: 'any', allowCidrs: [unreachableRange] }),
  clock: realClock,
  ca: [readFileSync(new URL('../testdata/tls/ca.pem', import.meta.url))],
  nameServers: names.servers,
  dial(host, port) {
    dialled.add(host);
    return connect({ host, port, autoSelectFamily: false });
  },
});

let rssPeakBytes = 0;
const look = (): number => {
  const rssBytes = process.memoryUsage.rss();
  rssPeakBytes = Math.max(rssPeakBytes, rssBytes);
  return rssBytes;
};
setInterval(look, 10);

function usage(): Usage {
  const rssBytes = look();
  const peak = rssPeakBytes;
  rssPeakBytes = 0;
  (globalThis as unknown as { gc(): void }).gc();
  const { user, system } = process.cpuUsage();
  const { heapUsed, external } = process.memoryUsage();
  return {
    cpuMs: (user + system) / 1_000,
    rssBytes,
    rssPeakBytes: peak,
    heapBytes: heapUsed + external,
    dialled: [...dialled],
  };
}

process.on('message', ({ id, question }: { id: number; question: Question }) => {
  const tell = (answer: unknown): void => void process.send?.({ id, answer });
  if (question.kind === 'usage') return tell(usage());
  const { origin, poolKey, bodyBytes } = question;
  egress.send(requestTo(origin, { poolKey, body: Buffer.alloc(bodyBytes, 'a'), maxSockets: 16 }), tell);
});
process.on('disconnect', () => process.exit(0));
