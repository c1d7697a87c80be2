/** The port for questions, over real sockets. Doubles: what answers. Observed: answers and statuses. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { DispatcherStatus } from '@postrider/contract/postrider/v1/dispatcher_service';
import {
  DescribeProcessRequest,
  OwnerServiceClient,
  OwnerServiceService,
} from '@postrider/contract/postrider/v1/owner_service';
import { createCallProver, parseKek, PostriderError, PROOF_METADATA, Secret } from '@postrider/core';
import { recordingLogger, systemClock } from '@postrider/runtime';
import { startOwnerServer, type Answers } from './owner-server.ts';

const kek = parseKek(new Secret('0123456789abcdef'.repeat(4)));
const unused = (): never => assert.fail('nobody asks this');
const answersOf = (describeProcess: Answers['describeProcess']): Answers => ({
  describeProcess,
  describeBacklog: unused,
  explainWork: unused,
  skipWork: unused,
  moveWork: unused,
});

async function ask(answers: Answers | null, proof: (processId: string) => string) {
  const log = recordingLogger();
  const options = { host: '127.0.0.1', port: 0, processId: 'a', shared: [kek], clock: systemClock, log };
  await using server = await startOwnerServer(() => answers, options);
  const client = new OwnerServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set(PROOF_METADATA, proof('a'));
  try {
    return await new Promise<DispatcherStatus | ServiceError>((resolve) => {
      client.describeProcess({}, metadata, (error, answer) => resolve(error ?? answer));
    });
  } finally {
    client.close();
  }
}

const { path } = OwnerServiceService.describeProcess;
const request = DescribeProcessRequest.encode({}).finish();
const proofBy = (key: typeof kek, processId: string): string =>
  createCallProver([key]).prove({ method: path, processId, request, time: Date.now(), nonce: randomBytes(12) });
const known = answersOf(() => DispatcherStatus.fromPartial({ version: 'x' }));

test('who proves the call is answered; who does not, or calls another process, is not', async () => {
  const answered = await ask(known, (processId) => proofBy(kek, processId));
  assert.equal('version' in answered && answered.version, 'x');
  const stranger = parseKek(new Secret('fedcba9876543210'.repeat(4)));
  for (const proof of ['', proofBy(stranger, 'a'), proofBy(kek, 'b')]) {
    const refused = await ask(known, () => proof);
    assert.ok('code' in refused && refused.code === status.UNAUTHENTICATED, proof);
    assert.deepEqual(refused.metadata.get(PROOF_METADATA), [], 'what anybody asks proves nothing');
  }
});

test('a call is answered once: whoever has seen it go by cannot make it again', async () => {
  const options = {
    host: '127.0.0.1',
    port: 0,
    processId: 'a',
    shared: [kek],
    clock: systemClock,
    log: recordingLogger(),
  };
  await using server = await startOwnerServer(() => known, options);
  const client = new OwnerServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set(PROOF_METADATA, proofBy(kek, 'a'));
  const again = () =>
    new Promise<status>((resolve) => {
      client.describeProcess({}, metadata, (error) => resolve(error?.code ?? status.OK));
    });
  assert.deepEqual([await again(), await again()], [status.OK, status.UNAUTHENTICATED]);
  client.close();
});

test('floods, bodies beyond the bound and talk that is no HTTP/2 leave others answered', async () => {
  const options = {
    host: '127.0.0.1',
    port: 0,
    processId: 'a',
    shared: [kek],
    clock: systemClock,
    log: recordingLogger(),
  };
  await using server = await startOwnerServer(() => known, options);
  const stranger = connect(server.port, '127.0.0.1', () => stranger.write('GET / HTTP/1.1\r\n\r\n'));
  stranger.on('error', () => {});
  const client = new OwnerServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const call = (processId: string, padding = '') =>
    new Promise<status>((resolve) => {
      const metadata = new Metadata();
      metadata.set(PROOF_METADATA, proofBy(kek, processId));
      const work = { partition: 0, endpointUid: padding, deliveryId: '', runId: '' };
      const told = (error: ServiceError | null) => resolve(error?.code ?? status.OK);
      if (padding === '') client.describeProcess({}, metadata, told);
      else client.explainWork({ work }, metadata, told);
    });
  const flood = Array.from({ length: 200 }, () => call('b'));
  assert.equal(await call('a', 'x'.repeat(20_000)), status.RESOURCE_EXHAUSTED);
  assert.equal(await call('a'), status.OK);
  assert.deepEqual(new Set(await Promise.all(flood)), new Set([status.UNAUTHENTICATED]));
  client.close();
  stranger.destroy();
});

test('what goes wrong is told as a status; of a fault of our own nothing but that it is one', async () => {
  const thrown = (error: Error): Answers =>
    answersOf(() => {
      throw error;
    });
  const mine = (processId: string): string => proofBy(kek, processId);
  const gone = await ask(thrown(new PostriderError('not_found', 'no such delivery')), mine);
  assert.ok('code' in gone);
  assert.deepEqual([gone.code, gone.details], [status.NOT_FOUND, 'no such delivery']);
  assert.equal(gone.metadata.get(PROOF_METADATA).length, 1);
  const fault = await ask(thrown(new TypeError('a secret')), mine);
  assert.equal('code' in fault && fault.code, status.INTERNAL);
  assert.doesNotMatch('details' in fault ? fault.details : '', /a secret/);
  const starting = await ask(null, mine);
  assert.equal('code' in starting && starting.code, status.UNAVAILABLE);
});

test('a port that is taken is told with the variable that chooses another', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const options = {
    host: '127.0.0.1',
    port,
    processId: 'a',
    shared: [kek],
    clock: systemClock,
    log: recordingLogger(),
  };
  await assert.rejects(
    startOwnerServer(() => null, options),
    /POSTRIDER_QUESTIONS_PORT/,
  );
  taken.close();
});
