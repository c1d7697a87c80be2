/**
 * The session of docs/api/README.md, typed into a shell as it stands there, against a control plane on the in-memory Kafka.
 * Doubles: Kafka only. Observed: what grpcurl prints, compared with what the page says.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { ADMIN_KEY, startTestPlane } from '../../services/control-plane/testing/harness.ts';
import { writtenTls } from '../../services/control-plane/testing/tls.ts';
import { createTestAuthority } from '../support/certificates.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/api/README.md'), 'utf8');
/** Where the page's server is. */
const ADDRESS = 'localhost:19380';
const END_OF_COMMAND = '--- end of command';

interface Step {
  readonly command: string;
  /** `…` stands for anything in a line, and alone on a line for any lines. */
  readonly expected: string;
}

function steps(): Step[] {
  const blocks = Array.from(page.matchAll(/^```console\n(.*?)^```$/gms), ([, block = '']) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const end = part.indexOf('\n');
        return { command: part.slice(0, end), expected: part.slice(end + 1) };
      }),
  );
}

/** How much space there is between words is no matter. */
const plain = (output: string): string => output.replaceAll(/[ \t]+/g, ' ');

function patternOf(expected: string): RegExp {
  const lines = plain(expected)
    .split('\n')
    .map((line) => (line === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(RegExp.escape).join('.*')}\\n`));
  return new RegExp(`^${lines.join('').replace(/\\n$/, '')}$`);
}

/** Where `go install` puts it is looked at, too. */
function pathWithGrpcurl(): string | null {
  const path = [...(process.env['PATH'] ?? '').split(delimiter), join(homedir(), 'go/bin')];
  const isThere = (folder: string): boolean => {
    try {
      accessSync(join(folder, 'grpcurl'), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  return path.some(isThere) ? path.join(delimiter) : null;
}

/** Types the page's commands into one shell, `spoken` in place of how the page says that the server is talked to. */
async function typeIn(path: string, port: number, spoken: string): Promise<void> {
  const all = steps();
  assert.ok(all.length >= 15);
  const script = all
    .flatMap(({ command }) => [command, `echo; echo '${END_OF_COMMAND}'`])
    .join('\n')
    .replaceAll(ADDRESS, `127.0.0.1:${port}`)
    .replaceAll('-plaintext', spoken);
  const shell = spawn('sh', ['-c', `exec 2>&1\n${script}`], {
    env: { PATH: path, KEY: ADMIN_KEY },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed] = await Promise.all([text(shell.stdout), once(shell, 'exit')]);
  const outputs = printed.split(`${END_OF_COMMAND}\n`);
  for (const [index, { command, expected }] of all.entries()) {
    const output = `${outputs[index]?.trimEnd()}\n`.replace(/^\n$/, '');
    assert.match(plain(output), patternOf(expected), `$ ${command}`);
  }
}

const path = pathWithGrpcurl();
const skip = path === null && 'there is no grpcurl: go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest';

test('the page of the API is a session that works, command by command', { skip }, async () => {
  await using run = await startTestPlane();
  await typeIn(path ?? '', run.plane.port, '-plaintext');
});

test('the same session works over TLS', { skip }, async () => {
  await using authority = await createTestAuthority();
  await using tls = await writtenTls(await authority.issue('api'), authority.ca);
  await using run = await startTestPlane({ tls: { files: tls.files, clients: 'optional' } });
  await typeIn(path ?? '', run.plane.port, `-cacert ${tls.files.caFile}`);
});
