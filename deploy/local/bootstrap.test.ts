/**
 * The bootstrap in a checkout of its own with an npm of its own: a script that makes the node_modules that npm would make
 * and counts its calls. What may be observed: exit codes, what is printed, and how often npm ran with which arguments.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';

const scratch = mkdtempSync(join(tmpdir(), 'postrider-bootstrap-'));
after(() => rmSync(scratch, { recursive: true }));

let root = '';
let count = 0;

const packages = {
  '': { name: 'checkout' },
  'node_modules/node': { version: '26.10.0', optionalDependencies: { 'node-for-elsewhere': '1.0.0' } },
};

beforeEach(() => {
  root = join(scratch, `checkout-${++count}`);
  for (const directory of ['deploy/local', 'bin']) mkdirSync(join(root, directory), { recursive: true });
  for (const name of ['bootstrap.mjs', 'pid-lock.mjs'])
    copyFileSync(join(import.meta.dirname, name), join(root, 'deploy/local', name));
  const manifest = { name: 'checkout', allowScripts: { node: true, other: false } };
  writeFileSync(join(root, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }));
  writeFileSync(join(root, 'target.ts'), 'console.log(`ran with ${process.argv.slice(2)}`); process.exitCode = 7;\n');
  npmDoes(installs);
});

const installs = `mkdir -p node_modules/.bin; ln -sf ${process.execPath} node_modules/.bin/node`;

/** What npm does when it is called; its arguments are in $*. */
function npmDoes(script: string) {
  const path = join(root, 'bin/npm');
  writeFileSync(path, `#!/bin/sh\necho "$*" >> npm-calls\n${script}\n`);
  chmodSync(path, 0o755);
}

const npmCalls = () =>
  existsSync(join(root, 'npm-calls')) ? readFileSync(join(root, 'npm-calls'), 'utf8').trim().split('\n') : [];

/** Node by its full path: the PATH holds nothing but the npm above and the system's tools. */
const environment = (bin = join(root, 'bin')) => ({ PATH: [bin, '/usr/bin', '/bin'].join(delimiter) });
const command = (...args: string[]) => [join(root, 'deploy/local/bootstrap.mjs'), ...args];

function bootstrap(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, command(...args), {
    env: environment(),
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('the first run installs, the next does not, and the target gives its arguments and exit code through', () => {
  const first = bootstrap('target.ts', 'a', '--b');
  assert.deepEqual([first.status, first.stdout], [7, 'ran with a,--b\n']);
  assert.match(first.stderr, /^Installing packages …\nInstalling packages: done after \d+ s\n$/);
  assert.deepEqual(npmCalls(), ['ci --ignore-scripts', 'rebuild node']);
  assert.deepEqual(bootstrap('target.ts'), { status: 7, stdout: 'ran with \n', stderr: '' });
  assert.equal(npmCalls().length, 2);
});

test('a changed lockfile, or a missing Node, installs again', () => {
  bootstrap('target.ts');
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages, changed: true }));
  bootstrap('target.ts');
  assert.equal(npmCalls().length, 4);
  rmSync(join(root, 'node_modules/.bin/node'));
  assert.equal(bootstrap('target.ts').status, 7);
  assert.equal(npmCalls().length, 6);
});

test('what npm installed by hand from this lockfile is used as it is, another version is not', () => {
  mkdirSync(join(root, 'node_modules'));
  spawnSync('sh', ['-c', installs], { cwd: root });
  const record = (version: string) =>
    writeFileSync(
      join(root, 'node_modules/.package-lock.json'),
      JSON.stringify({ packages: { 'node_modules/node': { version } } }),
    );
  record('26.10.0');
  assert.equal(bootstrap('target.ts').status, 7);
  assert.deepEqual(npmCalls(), []);
  rmSync(join(root, 'node_modules/.postrider-installed'));
  record('26.9.0');
  assert.equal(bootstrap('target.ts').status, 7);
  assert.equal(npmCalls()[0], 'ci --ignore-scripts');
});

test('a lockfile that lacks nothing but optional packages of other systems is followed all the same', () => {
  const refuse = (line: string) =>
    `case "$1" in ci) echo 'npm error \`npm ci\` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.' >&2; echo 'npm error ${line}' >&2; exit 1;; esac; ${installs}`;
  npmDoes(refuse('Missing: node-for-elsewhere@ from lock file'));
  assert.equal(bootstrap('target.ts').status, 7);
  assert.deepEqual(npmCalls(), ['ci --ignore-scripts', 'install --no-save --ignore-scripts', 'rebuild node']);
  rmSync(join(root, 'node_modules'), { recursive: true });
  npmDoes(refuse('Missing: left-pad@1.0.0 from lock file'));
  const { status, stderr } = bootstrap('target.ts');
  assert.equal(status, 1);
  assert.match(stderr, /package\.json and package-lock\.json do not fit together: run `npm install`/);
});

test('each reason why npm fails is one sentence, followed by the end of what npm said', () => {
  const cases = [
    ['npm error code ENOTFOUND', /The package registry cannot be reached/],
    ['npm error nospc ENOSPC: no space left on device, write', /The disk is full/],
    ['npm error code E403', /The package registry refuses access/],
    ['npm error something else', /npm could not install the packages\./],
  ] as const;
  for (const [line, sentence] of cases) {
    npmDoes(`echo '${line}' >&2; exit 1`);
    const { status, stderr } = bootstrap('target.ts');
    assert.equal(status, 1);
    assert.match(stderr, sentence);
    assert.ok(stderr.includes(`    ${line}\n`), stderr);
    assert.doesNotMatch(stderr, /at .*\.mjs:/, 'no stack trace');
  }
});

test('a broken checkout, a missing target and a missing argument are told in a sentence', () => {
  assert.match(bootstrap().stderr, /^usage: /);
  bootstrap('target.ts');
  assert.match(bootstrap('no/such.ts').stderr, /^There is no no\/such\.ts in /);
  writeFileSync(join(root, 'package-lock.json'), '<<<<<<< HEAD');
  assert.match(bootstrap('target.ts').stderr, /^package-lock\.json is not readable JSON/);
  rmSync(join(root, 'package-lock.json'));
  assert.match(bootstrap('target.ts').stderr, /is not a whole checkout of Postrider: package-lock\.json missing/);
});

test('a Node in node_modules that is too old is refused', () => {
  npmDoes(
    `mkdir -p node_modules/.bin; printf '#!/bin/sh\\necho v24.1.0\\n' > node_modules/.bin/node; chmod +x node_modules/.bin/node`,
  );
  const { status, stderr } = bootstrap('target.ts');
  assert.equal(status, 1);
  assert.match(stderr, /The Node in node_modules is v24\.1\.0, not 26 or newer\. Remove node_modules/);
});

test('of two bootstraps at once one installs and both run', async () => {
  npmDoes(`while [ ! -e go ]; do sleep 0.05; done; ${installs}`);
  const runs = [0, 1].map(() =>
    spawn(process.execPath, command('target.ts'), { env: environment(), stdio: ['ignore', 'ignore', 'pipe'] }),
  );
  const waits = Promise.any(
    runs.map(async (run) => {
      for await (const chunk of run.stderr)
        if (String(chunk).includes('is already installing packages; waiting')) return;
      throw new Error('it ended without having waited');
    }),
  );
  const codes = Promise.all(runs.map(async (run) => (await once(run, 'exit'))[0]));
  await waits;
  writeFileSync(join(root, 'go'), '');
  assert.deepEqual(await codes, [7, 7]);
  assert.deepEqual(npmCalls(), ['ci --ignore-scripts', 'rebuild node']);
});

test('an installation that was killed half way is done again', () => {
  npmDoes(`${installs}; case "$1" in rebuild) kill -9 $PPID;; esac`);
  assert.equal(bootstrap('target.ts').status, null);
  // To the eye it is complete, down to npm's own record of it.
  const record = { packages: { 'node_modules/node': { version: '26.10.0' } } };
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify(record));
  npmDoes(installs);
  assert.equal(bootstrap('target.ts').status, 7);
  assert.deepEqual(npmCalls().slice(2), ['ci --ignore-scripts', 'rebuild node']);
});

/** Starts a target that ends by itself 0.6 s after a signal, and says how many it got. */
async function startCounting(detached: boolean) {
  const target = `let got = []; setInterval(() => {}, 1e6);
    for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => {
      got.push(name);
      if (got.length === 1) setTimeout(() => { console.log(got.join()); process.exit(0); }, 600);
    });
    console.log('up');`;
  writeFileSync(join(root, 'target.ts'), target);
  const run = spawn(process.execPath, command('target.ts'), {
    env: environment(),
    detached,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const chunks: string[] = [];
  const up = Promise.withResolvers<void>();
  run.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    chunks.push(chunk);
    if (chunks.join('').includes('up')) up.resolve();
  });
  const closed = once(run, 'close');
  await up.promise;
  return { run, ended: closed.then(([code]) => ({ code: code as number, said: chunks.join('').split('\n')[1] })) };
}

test('SIGTERM and SIGINT to the bootstrap alone reach the target once, and its clean end is ours', async () => {
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    const { run, ended } = await startCounting(false);
    run.kill(name);
    assert.deepEqual(await ended, { code: 0, said: name });
  }
});

test(
  'in a terminal the target gets a Ctrl-C once',
  { skip: !existsSync('/usr/bin/script') && 'needs script(1)' },
  async () => {
    await startCounting(false).then(({ run, ended }) => (run.kill('SIGTERM'), ended));
    const line = [process.execPath, ...command('target.ts')].join(' ');
    const terminal = spawn('/usr/bin/script', ['-qec', line, '/dev/null'], {
      env: environment(),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let said = '';
    for await (const chunk of terminal.stdout.setEncoding('utf8')) {
      const before = said;
      said += chunk;
      if (!before.includes('up') && said.includes('up')) terminal.stdin.write('\x03');
    }
    assert.match(said.replaceAll(/\r|\^C/g, ''), /up\nSIGINT\n/);
  },
);

test('a signal to the whole process group reaches the target once', async () => {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    const { run, ended } = await startCounting(true);
    process.kill(-(run.pid ?? assert.fail()), name);
    assert.deepEqual(await ended, { code: 0, said: name });
  }
});

test('a signal that is repeated at once, as npm does, reaches the target once', async () => {
  const { run, ended } = await startCounting(true);
  process.kill(-(run.pid ?? assert.fail()), 'SIGINT');
  run.kill('SIGINT');
  assert.deepEqual(await ended, { code: 0, said: 'SIGINT' });
});

test("the npm of node_modules' own Node is not used to replace it", () => {
  mkdirSync(join(root, 'node_modules/.bin'), { recursive: true });
  writeFileSync(join(root, 'node_modules/.bin/npm'), '#!/bin/sh\nexit 9\n', { mode: 0o755 });
  const inside = environment(join(root, 'node_modules/.bin') + delimiter + join(root, 'bin'));
  const { status } = spawnSync(process.execPath, command('target.ts'), { env: inside });
  assert.equal(status, 7);
  assert.equal(npmCalls().length, 2);
  assert.equal(dirname(process.execPath).includes(root), false);
});
