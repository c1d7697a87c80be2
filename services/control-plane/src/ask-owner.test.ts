/** Asking a dispatcher, over real sockets. Doubles: the dispatcher. Observed: what is believed of its answers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Metadata, Server, ServerCredentials, status, type sendUnaryData } from '@grpc/grpc-js';
import { DispatcherStatus } from '@postrider/contract/postrider/v1/dispatcher_service';
import { OwnerServiceService } from '@postrider/contract/postrider/v1/owner_service';
import { createCallProver, isPostriderError, parseKek, PROOF_METADATA, Secret } from '@postrider/core';
import { systemClock } from '@postrider/runtime';
import { createAskDispatcher } from './ask-owner.ts';

const kek = parseKek(new Secret('0123456789abcdef'.repeat(4)));
const prover = createCallProver([kek]);
const ask = createAskDispatcher([kek], systemClock);
const answer = DispatcherStatus.fromPartial({ version: 'x' });

/** How the dispatcher answers the call that bore this proof. */
let answers: (proof: string, callback: sendUnaryData<DispatcherStatus>) => void;
const server = new Server();
let address = '';
before(async () => {
  const unused = (): never => assert.fail('nobody asks this');
  server.addService(OwnerServiceService, {
    describeProcess: ({ metadata }: { metadata: Metadata }, callback: sendUnaryData<DispatcherStatus>) =>
      answers(String(metadata.get(PROOF_METADATA)[0]), callback),
    ...{ describeBacklog: unused, explainWork: unused, skipWork: unused, moveWork: unused },
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  );
  address = `127.0.0.1:${await promise}`;
});
after(() => server.forceShutdown());

const describe = () => ask({ processId: 'a', address }, 'describeProcess', {});
const bearing = (proof: string): Metadata => {
  const metadata = new Metadata();
  metadata.set(PROOF_METADATA, proof);
  return metadata;
};
const bytes = DispatcherStatus.encode(answer).finish();
const failed = { code: status.NOT_FOUND, details: 'no such delivery' };

test('an answer that is proved for this call is believed, and so is a failure', async () => {
  answers = (proof, callback) => callback(null, answer, bearing(prover.proveAnswer(proof, bytes)));
  assert.equal((await describe()).version, 'x');
  answers = (proof, callback) => callback({ ...failed, metadata: bearing(prover.proveAnswer(proof, failed)) });
  await assert.rejects(describe(), (error) => isPostriderError(error, 'not_found') && error.message === failed.details);
});

test('a proxy for what leaves the cluster is not asked the way to a dispatcher', async () => {
  answers = (proof, callback) => callback(null, answer, bearing(prover.proveAnswer(proof, bytes)));
  const before = process.env['http_proxy'];
  process.env['http_proxy'] = 'http://127.0.0.1:1';
  try {
    assert.equal((await describe()).version, 'x');
  } finally {
    if (before === undefined) delete process.env['http_proxy'];
    else process.env['http_proxy'] = before;
  }
});

test('an answer without a proof, of another call, or changed on its way is none', async () => {
  const other = prover.proveAnswer('v1 of another call', bytes);
  const changed = Buffer.from(DispatcherStatus.encode({ ...answer, version: 'y' }).finish());
  const lies: (typeof answers)[] = [
    (_proof, callback) => callback(null, answer),
    (_proof, callback) => callback(null, answer, bearing(other)),
    (proof, callback) => callback(null, answer, bearing(prover.proveAnswer(proof, changed))),
    (_proof, callback) => callback(failed),
  ];
  for (const lie of lies) {
    answers = lie;
    await assert.rejects(
      describe(),
      (error) => isPostriderError(error, 'unavailable') && /bears no proof/.test(error.message),
    );
  }
});

test('what is no word of the dispatcher is told as what keeps it from being asked', async () => {
  answers = (_proof, callback) => callback({ code: status.UNAUTHENTICATED, details: 'the proof is wrong' });
  await assert.rejects(describe(), /a at 127.*cannot be asked: the proof is wrong/);
  await assert.rejects(ask({ processId: 'a', address: '' }, 'describeProcess', {}), /tells no address/);
});
