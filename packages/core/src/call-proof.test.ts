import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallProver } from './call-proof.ts';
import { limits } from './limits.ts';
import { parseKek } from './seal.ts';
import { Secret } from './secret.ts';

const kek = parseKek(new Secret('0123456789abcdef'.repeat(4)));
const prover = createCallProver([kek]);
const nonce = Buffer.alloc(12, 7);
const call = {
  method: 'SkipWork',
  processId: 'dispatcher-a',
  request: Buffer.from('one'),
  time: 1_000_000_000_000,
  nonce,
};
/** What whoever has seen nothing before says. */
const problem = (...asked: Parameters<typeof prover.problem>) => createCallProver([kek]).problem(...asked);

test('a call is proved by whoever has the key, for one method, process, request and time', () => {
  const proof = prover.prove(call);
  assert.equal(problem(proof, call, call.time + 1_000), null);
  for (const other of [{ method: 'MoveWork' }, { processId: 'dispatcher-b' }, { request: Buffer.from('two') }])
    assert.match(problem(proof, { ...call, ...other }, call.time) ?? '', /wrong/);
  const stranger = createCallProver([parseKek(new Secret('fedcba9876543210'.repeat(4)))]).prove(call);
  assert.match(problem(stranger, call, call.time) ?? '', /POSTRIDER_KEK/);
  for (const junk of ['', 'v1', 'v1 x y', `${proof}x`, proof.replace('v1', 'v2'), proof.replace(/ \d+ /, ' 1 ')])
    assert.match(problem(junk, call, call.time) ?? '', /no proof|wrong/, junk);
});

test('a proof is worth nothing after a while, nor long before it was made', () => {
  const proof = prover.prove(call);
  for (const apart of [limits.callProofKeptMs, -limits.callProofKeptMs])
    assert.equal(problem(proof, call, call.time + apart), null);
  for (const apart of [limits.callProofKeptMs + 1, -limits.callProofKeptMs - 1])
    assert.match(problem(proof, call, call.time + apart) ?? '', /clocks/);
});

test('a proof is good for one call, however its last digit is written; the same call again needs another', () => {
  const proof = prover.prove(call);
  assert.equal(prover.problem(proof, call, call.time), null);
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = digits.indexOf(proof.at(-1) ?? '');
  // Two bits of the last digit mean nothing.
  for (const same of [0, 1, 2, 3].map((bits) => proof.slice(0, -1) + digits[(last & ~3) | bits]))
    assert.match(prover.problem(same, call, call.time) ?? '', /made before/, same);
  assert.equal(prover.problem(prover.prove({ ...call, nonce: Buffer.alloc(12, 8) }), call, call.time), null);
});

test('used proofs are forgotten when they are worth nothing any more, and until then no more than so many are accepted', () => {
  const own = createCallProver([kek]);
  const used = (index: number, now: number): string | null => {
    const one = { ...call, nonce: Buffer.alloc(12), time: now };
    one.nonce.writeUInt32BE(index);
    return own.problem(own.prove(one), one, now);
  };
  for (let index = 0; index < limits.callProofsKeptMax; index += 1) assert.equal(used(index, call.time), null);
  assert.match(used(-1 >>> 0, call.time) ?? '', /too many/);
  assert.equal(used(1, call.time + limits.callProofKeptMs + 1), null);
});

test('an answer is proved for the call that it was given to, and no other can be put in its place', () => {
  const proof = prover.prove(call);
  const answer = Buffer.from('cancelled');
  const answerProof = prover.proveAnswer(proof, answer);
  assert.ok(prover.isAnswer(answerProof, proof, answer));
  assert.ok(!prover.isAnswer(answerProof, proof, Buffer.from('delivered')));
  assert.ok(!prover.isAnswer(answerProof, prover.prove({ ...call, nonce: Buffer.alloc(12, 9) }), answer));
  assert.ok(!prover.isAnswer('', proof, answer));
  const failure = { code: 5, details: 'x' };
  const failureProof = prover.proveAnswer(proof, failure);
  assert.ok(prover.isAnswer(failureProof, proof, { ...failure }));
  for (const other of [{ ...failure, code: 3 }, { ...failure, details: 'y' }, Buffer.from(''), Buffer.from('[5,"x"]')])
    assert.ok(!prover.isAnswer(failureProof, proof, other));
});

test('an answer is proved by the key of its call, so that who has no other one any more believes it', () => {
  const next = parseKek(new Secret('fedcba9876543210'.repeat(4)));
  const caller = createCallProver([next]);
  const called = createCallProver([kek, next]);
  const proof = caller.prove(call);
  assert.equal(called.problem(proof, call, call.time), null);
  const answer = Buffer.from('cancelled');
  assert.ok(caller.isAnswer(called.proveAnswer(proof, answer), proof, answer));
});
