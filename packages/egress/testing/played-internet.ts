import { connect, type Socket } from 'node:net';
import type { Resolve } from '../src/index.ts';
import type { Canary } from './canary.ts';
import { corpusRows, type CorpusRow } from './corpus.ts';
import { onRequest, rawEndpoint, type RawEndpoint } from './support.ts';

/** The internet as one row of the corpus has it, played on loopback. */
export interface PlayedInternet extends AsyncDisposable {
  readonly resolve: Resolve;
  /** Leads to the row's endpoint from addresses that are public for it, and to the canary from all others. */
  readonly dial: (address: string, port: number) => Socket;
  readonly dialled: readonly string[];
  readonly endpoint: RawEndpoint;
}

/** Addresses that a row may lead to, told by the corpus and by nothing that is under test. */
function addressesOf({ expect, input, answers, answers_by_lookup: lookups }: CorpusRow): readonly string[] {
  const literal = URL.parse(input ?? '')?.hostname.replaceAll(/[[\]]/g, '') ?? '';
  return expect === 'allow' ? [...(answers ?? lookups?.at(-1) ?? []), literal] : [];
}

const publicAddress = '8.8.8.8';
const publicAddresses = new Set([
  publicAddress,
  ...corpusRows.filter(({ policy }) => policy === undefined).flatMap(addressesOf),
]);

/** Each lookup of the row's host has the row's next answer; the endpoint answers as the row says, and closes. */
export async function playInternet(row: CorpusRow, canary: Canary): Promise<PlayedInternet> {
  const dialled: string[] = [];
  const endpoint = await rawEndpoint((socket) => {
    // A TLS handshake is a connection, and all that the corpus asks for; answers in TLS are another test's.
    socket.once('data', (bytes: Buffer) => bytes[0] === 0x16 && socket.destroy());
    onRequest(socket, () => socket.end(answerOf(row), 'latin1'));
  });
  const lookups = row.answers_by_lookup ?? [row.answers ?? [publicAddress]];
  let lookup = 0;
  return {
    endpoint,
    dialled,
    async resolve() {
      const { rcode } = row;
      const code = rcode === 'TIMEOUT' ? 'ETIMEOUT' : `E${rcode}`;
      if (rcode !== undefined) throw Object.assign(new Error(code), { code });
      return lookups[Math.min(lookup++, lookups.length - 1)] ?? [];
    },
    dial(address) {
      dialled.push(address);
      const isPublic = publicAddresses.has(address) || addressesOf(row).includes(address);
      const socket = connect({
        host: isPublic || !address.includes(':') ? '127.0.0.1' : '::1',
        port: isPublic ? endpoint.port : canary.portFor(address),
        autoSelectFamily: false,
      });
      // The peer that the guard compares with the address that it judged.
      return Object.defineProperty(socket, 'remoteAddress', { get: () => address });
    },
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
}

const ignored =
  'refresh: 0;url=http://127.0.0.1/\r\nalt-svc: h3="127.0.0.1:443"\r\nlink: <http://127.0.0.1/>; rel=preload';

function answerOf({ status = 200, location }: CorpusRow): string {
  const head = typeof location === 'string' ? `location: ${location}\r\n` : '';
  return `HTTP/1.1 ${status} Said\r\n${head}${ignored}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`;
}
