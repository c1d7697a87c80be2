import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const codes = { ok: 0, servfail: 2, nxdomain: 3 } as const;
const typeNumbers = { A: 1, AAAA: 28 } as const;

/** What a name server says. Without `code` and records: the name exists, and has none of that type. */
export interface NameServerAnswer {
  readonly code?: keyof typeof codes;
  /** Addresses as bytes. */
  readonly records?: readonly Buffer[];
  /** Time to live (s), below 256; default 60. */
  readonly ttl?: number;
}

type Given = NameServerAnswer | undefined;

export interface NameServer extends Disposable {
  /** Its address, as resolvers take it. */
  readonly servers: readonly string[];
  /** Every name and type that it was asked for. */
  readonly asked: readonly string[];
}

/** A name server on loopback. `answer` gives `undefined` to stay silent, or answers later. Observe `asked`: every name and type. */
export async function nameServer(
  answer: (name: string, type: 'A' | 'AAAA') => Given | Promise<Given>,
): Promise<NameServer> {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  let over = false;
  socket.on('message', (query, from) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
    const type = query.readUInt16BE(at + 1) === typeNumbers.A ? 'A' : 'AAAA';
    asked.push(`${labels.join('.')} ${type}`);
    void Promise.resolve(answer(labels.join('.'), type)).then((given) => {
      if (over || given === undefined) return;
      const header = Buffer.from(query.subarray(0, 12));
      const question = query.subarray(12, at + 5);
      socket.send(Buffer.concat([header, question, ...recordsOf(header, type, given)]), from.port, from.address);
    });
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    servers: [`127.0.0.1:${socket.address().port}`],
    asked,
    [Symbol.dispose]() {
      over = true;
      socket.close();
    },
  };
}

/** The records of an answer; writes into its header what they are. */
function recordsOf(
  header: Buffer,
  type: keyof typeof typeNumbers,
  { code = 'ok', records = [], ttl = 60 }: NameServerAnswer,
) {
  header.writeUInt16BE(0x8180 | codes[code], 2);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt32BE(0, 8);
  return records.map((data) =>
    Buffer.concat([Buffer.from([0xc0, 12, 0, typeNumbers[type], 0, 1, 0, 0, 0, ttl, 0, data.length]), data]),
  );
}
