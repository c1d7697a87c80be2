// Runs a TypeScript program of this repository on a machine where nothing is prepared:
//
//   node deploy/local/bootstrap.mjs <target.ts> [arguments]
//
// Installs what is missing or stale, then runs the target with the Node of node_modules and gives its exit code back.
// Plain JavaScript for Node 20 and newer without any package: it runs before there are any.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tryLock } from './pid-lock.mjs';

const nodeReleaseMin = 20;
const targetNodeReleaseMin = 26;
const progressMs = 1000;
const lockPollMs = 200;

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const modules = join(root, 'node_modules');
const targetNode = join(modules, '.bin/node');
const markerPath = join(modules, '.postrider-installed');
const lockfilePath = join(root, 'package-lock.json');
const binDir = join(modules, '.bin');

/** What a user is told instead of a stack trace. */
class Refusal extends Error {}

/** Signals that came while a child ran; the child ends by them, and so do we, after it. */
const received = [];

function checkNode() {
  if (Number(process.versions.node.split('.')[0]) >= nodeReleaseMin) return;
  throw new Refusal(`Node ${process.versions.node} is too old: Postrider starts with Node ${nodeReleaseMin} or newer.`);
}

/** The lockfile's text, after making sure that this is a whole checkout. */
function readLockfile() {
  const missing = ['package.json', 'package-lock.json'].filter((name) => !existsSync(join(root, name)));
  if (missing.length > 0)
    throw new Refusal(
      `${root} is not a whole checkout of Postrider: ${missing.join(' and ')} missing. Try: git status`,
    );
  const text = readFileSync(lockfilePath, 'utf8');
  try {
    JSON.parse(text);
  } catch {
    throw new Refusal('package-lock.json is not readable JSON (a merge conflict?). Try: git status');
  }
  return text;
}

const hash = (text) => createHash('sha256').update(text).digest('hex');

const readOr = (path, otherwise) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
};

/** True when we installed what the lockfile says, to the end. */
function isRemembered(lockfile) {
  return existsSync(targetNode) && readOr(markerPath, '') === hash(lockfile);
}

/** True when node_modules is what the lockfile says, whoever installed it. */
function isInstalled(lockfile) {
  if (!existsSync(targetNode)) return false;
  if (isRemembered(lockfile)) return true;
  const installed = readOr(join(modules, '.package-lock.json'), undefined);
  if (installed === undefined || !sameTree(JSON.parse(lockfile).packages, JSON.parse(installed).packages)) return false;
  remember(lockfile);
  return true;
}

/** Compares the lockfile with npm's own record of what it installed: all but optional packages there, at those versions. */
function sameTree(wanted, installed) {
  const same = (path) =>
    installed[path] === undefined
      ? wanted[path].optional === true || wanted[path].devOptional === true || wanted[path].peer === true
      : installed[path].version === wanted[path].version && installed[path].link === wanted[path].link;
  const inModules = (path) => path.includes('node_modules/');
  return (
    Object.keys(wanted).filter(inModules).every(same) &&
    Object.keys(installed)
      .filter(inModules)
      .every((path) => wanted[path] !== undefined)
  );
}

function remember(lockfile) {
  writeFileSync(markerPath, hash(lockfile));
}

/** One line that shows what takes so long: rewritten each second on a terminal, else said at the start and the end. */
function progress(what) {
  const started = Date.now();
  const elapsed = () => `${((Date.now() - started) / 1000).toFixed(0)} s`;
  const { isTTY } = process.stderr;
  process.stderr.write(isTTY ? `${what} …` : `${what} …\n`);
  const timer = isTTY
    ? setInterval(() => process.stderr.write(`\r\x1b[K${what} … ${elapsed()}`), progressMs)
    : undefined;
  return (ending) => {
    clearInterval(timer);
    process.stderr.write(`${isTTY ? '\r\x1b[K' : ''}${what}: ${ending} after ${elapsed()}\n`);
  };
}

/** Installs under a lock: of several bootstraps at once one installs and the others wait for it. */
async function ensureInstalled() {
  const lockfile = readLockfile();
  if (isRemembered(lockfile)) return;
  mkdirSync(join(root, '.cache'), { recursive: true });
  const path = join(root, '.cache/install.lock');
  let told = false;
  for (;;) {
    const lock = tryLock(path);
    if (lock.locked) {
      try {
        // What a killed installation left behind may look complete and is not.
        if (lock.tookOver || !isInstalled(lockfile)) await install(lockfile);
        return;
      } finally {
        lock.release();
      }
    }
    if (!told) process.stderr.write(`Process ${lock.pid} is already installing packages; waiting for it\n`);
    told = true;
    await new Promise((done) => setTimeout(done, lockPollMs));
    endIfSignalled();
  }
}

async function install(lockfile) {
  const allowed = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).allowScripts ?? {};
  const scripted = Object.keys(allowed).filter((name) => allowed[name] === true);
  rmSync(markerPath, { force: true });
  const finish = progress('Installing packages');
  let result = await npm(['ci', '--ignore-scripts']);
  // A lockfile written against a registry without the binaries for other systems lacks them, and `npm ci` then refuses it
  // everywhere. Such a lockfile still says all that this system needs, and `npm install` follows it.
  if (result.code !== 0 && lacksOnlyOptional(result.output, lockfile))
    result = await npm(['install', '--no-save', '--ignore-scripts']);
  // Only the packages that package.json names may run install scripts, whatever npm's version thinks of that list.
  if (result.code === 0 && scripted.length > 0) result = await npm(['rebuild', ...scripted]);
  finish(result.code === 0 ? 'done' : 'failed');
  endIfSignalled();
  if (result.code !== 0) throw new Refusal(explain(result.output));
  remember(lockfile);
}

/** True when npm refused the lockfile, and for nothing but optional packages that are not in it. */
function lacksOnlyOptional(output, lockfile) {
  if (!output.includes('can only install packages when your package.json and package-lock.json')) return false;
  if (/error Invalid: /.test(output)) return false;
  const packages = Object.values(JSON.parse(lockfile).packages);
  const optional = new Set(packages.flatMap((each) => Object.keys(each.optionalDependencies ?? {})));
  const missing = [...output.matchAll(/error Missing: (@?[^@\s]+)@/g)].map((match) => match[1]);
  return missing.length > 0 && missing.every((name) => optional.has(name));
}

/** Runs npm as the user's own Node would, not by what is just being replaced. */
function npm(args) {
  const path = (process.env.PATH ?? '').split(delimiter).filter((entry) => resolve(entry) !== binDir);
  const env = { ...process.env, PATH: path.join(delimiter) };
  return new Promise((done) => {
    let output = '';
    const keep = (chunk) => {
      output += chunk;
    };
    const child = spawn('npm', args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', (error) => done({ code: 1, output: `${output}\nspawn: ${error.code}` }));
    child.once('close', (code) => done({ code: code ?? 1, output }));
    follow(child);
  });
}

/** One clear sentence about why npm failed, then the end of what it said. */
function explain(output) {
  const causes = [
    [/spawn: ENOENT/, 'npm is missing: install it, for example with: apt-get install npm'],
    [/ENOSPC|no space left/i, 'The disk is full: free some space (about 500 MB are needed) and start again.'],
    [
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENETUNREACH/,
      'The package registry cannot be reached: check the network, the proxy, and `npm config get registry`.',
    ],
    [/E401|E403/, 'The package registry refuses access: check the credentials in ~/.npmrc.'],
    [
      /can only install packages when your package\.json and package-lock\.json/,
      'package.json and package-lock.json do not fit together: run `npm install` and commit package-lock.json.',
    ],
    [/EACCES|EPERM/, `npm may not write here: check who owns ${modules} and ~/.npm.`],
  ];
  const cause = causes.find(([pattern]) => pattern.test(output));
  const sentence = cause === undefined ? 'npm could not install the packages.' : cause[1];
  const tail = output
    .split('\n')
    .filter((line) => line.trim() !== '' && !/npm warn/i.test(line))
    .slice(-15);
  return `${sentence}\n${tail.map((line) => `    ${line}`).join('\n')}`;
}

function checkTargetNode() {
  const { stdout, error } = spawnSync(targetNode, ['--version'], { encoding: 'utf8' });
  const release = Number(/^v(\d+)\./.exec(stdout ?? '')?.[1]);
  if (release >= targetNodeReleaseMin) return;
  const what =
    error === undefined && release > 0 ? `is ${stdout.trim()}, not ${targetNodeReleaseMin} or newer` : 'does not run';
  throw new Refusal(`The Node in node_modules ${what}. Remove node_modules and start again.`);
}

/**
 * Tells whether a signal was sent to our whole process group, as Ctrl-C in a terminal is, or to us alone: a process of the
 * group that does nothing, and dies of the signal or does not. Ends with us, by its pipe.
 */
function startCanary() {
  const canary = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  canary.on('error', () => {});
  canary.stdin.on('error', () => {});
  canary.unref();
  canary.stdin.unref?.();
  return canary;
}

const canaryMs = 100;
const sameSignalMs = 1000;

/**
 * Passes on to the child the signals that it did not get itself, each once: a child takes a second one for impatience. What
 * comes again within a second is the same signal by another way (npm repeats to us what the terminal has already sent).
 */
function follow(child) {
  let canary = startCanary();
  const lastAt = new Map();
  const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => {
    const handler = () => {
      received.push(name);
      if (Date.now() - (lastAt.get(name) ?? 0) < sameSignalMs) return;
      lastAt.set(name, Date.now());
      setTimeout(() => {
        const groupGotIt = canary.signalCode === name;
        if (groupGotIt) canary = startCanary();
        else child.kill(name);
      }, canaryMs);
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  child.once('close', () => {
    canary.stdin.destroy();
    for (const remove of handlers) remove();
  });
}

function endIfSignalled() {
  const [name] = received;
  if (name !== undefined) process.exit(128 + constants.signals[name]);
}

function run(target, args) {
  const path = `${binDir}${delimiter}${process.env.PATH ?? ''}`;
  const child = spawn(targetNode, [target, ...args], { stdio: 'inherit', env: { ...process.env, PATH: path } });
  follow(child);
  return new Promise((done) => {
    child.once('error', (error) => done({ code: 1, error }));
    child.once('close', (code, signal) => done({ code: code ?? 128 + constants.signals[signal] }));
  });
}

async function main() {
  const [target, ...args] = process.argv.slice(2);
  checkNode();
  if (target === undefined) throw new Refusal('usage: node deploy/local/bootstrap.mjs <target.ts> [arguments]');
  await ensureInstalled();
  checkTargetNode();
  const path = resolve(root, target);
  if (!existsSync(path)) throw new Refusal(`There is no ${target} in ${root}.`);
  const { code } = await run(path, args);
  process.exitCode = code;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
