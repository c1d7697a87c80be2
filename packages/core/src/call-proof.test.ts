import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallProver } from './call-proof.ts';
import { limits } from './limits.ts';
import { parseKek } from './seal.ts';
import { Secret } from './secret.ts';

const prover = createCallProver(parseKek(new Secret('0123456789abcdef'.repeat(4))));
const call = { method: 'SkipWork', processId: 'dispatcher-a', request: Buffer.from('one'), time: 1_000_000_000_000 };

test('a call is proved by whoever has the key, for one method, process, request and time', () => {
  const proof = prover.prove(call);
  assert.equal(prover.problem(proof, call, call.time + 1_000), null);
  for (const other of [{ method: 'MoveWork' }, { processId: 'dispatcher-b' }, { request: Buffer.from('two') }])
    assert.match(prover.problem(proof, { ...call, ...other }, call.time) ?? '', /wrong/);
  const stranger = createCallProver(parseKek(new Secret('fedcba9876543210'.repeat(4)))).prove(call);
  assert.match(prover.problem(stranger, call, call.time) ?? '', /POSTRIDER_KEK/);
  for (const junk of ['', 'v1', 'v1 x y', `${proof}x`, proof.replace('v1', 'v2')])
    assert.match(prover.problem(junk, call, call.time) ?? '', /no proof|wrong/, junk);
});

test('a proof is worth nothing after a while, nor long before it was made', () => {
  const proof = prover.prove(call);
  for (const apart of [limits.callProofKeptMs, -limits.callProofKeptMs])
    assert.equal(prover.problem(proof, call, call.time + apart), null);
  for (const apart of [limits.callProofKeptMs + 1, -limits.callProofKeptMs - 1])
    assert.match(prover.problem(proof, call, call.time + apart) ?? '', /clocks/);
});
