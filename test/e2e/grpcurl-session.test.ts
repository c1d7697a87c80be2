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

test('the page of the API is a session that works, command by command', async (t) => {
  const path = pathWithGrpcurl();
  if (path === null) {
    t.skip('there is no grpcurl: go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest');
    return;
  }
  await using run = await startTestPlane();
  const all = steps();
  assert.ok(all.length >= 15);
  const script = all.flatMap(({ command }) => [command, `echo; echo '${END_OF_COMMAND}'`]).join('\n');
  const shell = spawn('sh', ['-c', `exec 2>&1\n${script.replaceAll(ADDRESS, `127.0.0.1:${run.plane.port}`)}`], {
    env: { PATH: path, KEY: ADMIN_KEY },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed] = await Promise.all([text(shell.stdout), once(shell, 'exit')]);
  const outputs = printed.split(`${END_OF_COMMAND}\n`);
  for (const [index, { command, expected }] of all.entries()) {
    const output = `${outputs[index]?.trimEnd()}\n`.replace(/^\n$/, '');
    assert.match(plain(output), patternOf(expected), `$ ${command}`);
  }
});
