/**
 * Every command's example, run against a server that answers every method of the API with nothing set. Observed: the methods
 * that are asked for, exit codes, output.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { VerifyAuditChainResponse } from '@postrider/contract/postrider/v1/audit_service';
import { methodRules } from '@postrider/contract/postrider/v1/methods';
import { Operation } from '@postrider/contract/postrider/v1/operation';
import { cli } from './test-context.ts';
import { exampleOf, leavesOf, programOfNobody } from './command-tree.ts';
import type { sendUnaryData, ServerUnaryCall, ServiceDefinition } from '@grpc/grpc-js';

/** They talk to Kafka, to endpoints, or wait; and each has a test of its own. */
const elsewhere = /^(?:doctor|publish|events publish|listen|dead-letters|quarantine|attempts|topics|egress check)\b/;
/** What cannot be taken back. */
const destroys = /^(?:Delete|Revoke|Destroy)/;
/** Methods that no command calls, each with the reason. */
const withoutCommand: Readonly<Record<string, string>> = {
  PublishEvents: 'its command reads events from standard input, and has a test of its own',
  PublishEventStream: 'its command would answer for nothing before its input has ended; it sends calls instead',
};

const served = Object.entries(methodRules).flatMap(([name, { internal, service }]) =>
  internal ? [] : [{ name, service }],
);
/** Where nothing set would mean that something is amiss, or not done yet. */
const answers: Readonly<Record<string, Buffer>> = {
  WaitOperation: Buffer.from(Operation.encode(Operation.fromPartial({ done: true })).finish()),
  VerifyAuditChain: Buffer.from(
    VerifyAuditChainResponse.encode({ ...VerifyAuditChainResponse.fromPartial({}), done: true }).finish(),
  ),
};
const asked: string[] = [];
const server = new Server();
let port = 0;

before(async () => {
  const bytes = (value: Buffer): Buffer => value;
  for (const service of new Set(served.map((one) => one.service))) {
    const names = served.filter((one) => one.service === service).map(({ name }) => name);
    const definition: ServiceDefinition = Object.fromEntries(
      names.map((name) => {
        const path = `/${service}/${name}`;
        const codecs = { requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes };
        return [name, { path, requestStream: false, responseStream: false, ...codecs, responseDeserialize: bytes }];
      }),
    );
    const answer = (name: string) => (_call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      asked.push(name);
      callback(null, answers[name] ?? Buffer.alloc(0));
    };
    server.addService(definition, Object.fromEntries(names.map((name) => [name, answer(name)])));
  }
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error === null ? resolve(bound) : reject(error),
  );
  port = await promise;
});
after(() => server.forceShutdown());

async function run(words: readonly string[]) {
  const from = asked.length;
  const ran = await cli([...words, '--server', `127.0.0.1:${port}`, '--api-key', 'prk_a']);
  return { ...ran, methods: asked.slice(from) };
}

/** `--reason "a broken event"` is two words. */
const wordsOf = (line: string): string[] =>
  Array.from(line.matchAll(/"([^"]*)"|\S+/g), ([word, quoted]) => quoted ?? word);

function examples(): { readonly path: string; readonly words: string[] }[] {
  return leavesOf(programOfNobody())
    .filter(({ path }) => !elsewhere.test(path))
    .map(({ path, command }) => ({ path, words: wordsOf(exampleOf(command)) }));
}

test('every method of the API has a command; each command’s example works, also as JSON', async () => {
  for (const { path, words } of examples()) {
    assert.equal(words.slice(0, path.split(' ').length).join(' '), path, 'the example is of another command');
    const { exitCode, err } = await run(words);
    assert.equal(exitCode, 0, `${path}: ${err}`);
    const { out } = await run([...words, '--json']);
    assert.doesNotThrow(() => JSON.parse(out), `${path} --json prints ${out}`);
  }
  const missing = served.flatMap(({ name }) => (asked.includes(name) || name in withoutCommand ? [] : [name]));
  assert.deepEqual(missing, []);
});

test('what cannot be taken back is not done without --yes where nobody can be asked', async () => {
  let found = 0;
  for (const { path, words } of examples()) {
    const { methods } = await run(words);
    if (!methods.some((name) => destroys.test(name)) && !words.includes('--yes')) continue;
    found += 1;
    assert.ok(words.includes('--yes'), `${path} destroys, and its example has no --yes`);
    const { exitCode, err, methods: without } = await run(words.filter((word) => word !== '--yes'));
    assert.deepEqual({ exitCode, without }, { exitCode: 2, without: [] }, path);
    assert.match(err, /cannot be taken back.*--yes/);
  }
  assert.ok(found >= 7);
});

test('at a terminal only a yes does it', async () => {
  const flags = ['--server', `127.0.0.1:${port}`, '--api-key', 'prk_a'];
  for (const [typed, exitCode] of [
    ['yes', 0],
    [' Y ', 0],
    ['no', 1],
    ['', 1],
    ['yesterday', 1],
  ] as const) {
    const questions: string[] = [];
    const ask = (question: string): Promise<string> => Promise.resolve((questions.push(question), typed));
    const from = asked.length;
    const ran = await cli(['tenant', 'delete', 'acme', '--force', ...flags], { ask });
    assert.equal(ran.exitCode, exitCode, typed);
    assert.deepEqual(asked.slice(from), exitCode === 0 ? ['DeleteTenant'] : []);
    assert.match(questions.join(), /^Delete tenants\/acme with all its endpoints\?/);
  }
});
