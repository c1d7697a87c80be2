import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { manualClock } from '../testing/manual-clock.ts';
import type { AddressPolicy } from './policy.ts';
import { readPolicy, watchPolicy } from './policy-file.ts';

const closed = { allowHttp: false, allowLoopback: false, allowCidrs: [] };

/** A policy file that is watched on a clock that stands still. `next` is what the watch tells next. */
function watched(t: TestContext, text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-policy-'));
  const policyFile = join(folder, 'policy.json');
  writeFileSync(policyFile, text);
  const time = manualClock();
  let told: (what: AddressPolicy | string) => void = () => assert.fail('told without a look');
  const tell = (what: AddressPolicy | string): void => told(what);
  const policy = watchPolicy({ ...closed, policyFile }, { clock: time.clock, unusable: tell });
  policy.onChange(tell);
  t.after(() => {
    policy[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  });
  return {
    policy,
    ...time,
    policyFile,
    async next(): Promise<AddressPolicy | string> {
      // The look before this one is over.
      await new Promise((resolve) => void setImmediate(resolve));
      const { promise, resolve } = Promise.withResolvers<AddressPolicy | string>();
      told = resolve;
      time.advance(1_000);
      return promise;
    },
    /** As a mounted file is replaced: in one go. */
    replace(now: string): void {
      writeFileSync(`${policyFile}.new`, now);
      renameSync(`${policyFile}.new`, policyFile);
    },
  };
}

test('a file that was replaced holds within a second', async (t) => {
  const { policy, replace, next } = watched(t, '{"allowHttp":true}');
  assert.equal(policy.current().allowHttp, true);
  replace('{"allowHttp":false}');
  assert.equal(((await next()) as AddressPolicy).allowHttp, false);
  assert.equal(policy.current().allowHttp, false);
});

test('a file that cannot be used changes nothing, and what comes after it does', async (t) => {
  const { policy, policyFile, replace, next } = watched(t, '{"ports":[8443]}');
  replace('{"ports":[8443],');
  assert.match((await next()) as string, /^a policy must be JSON/);
  replace('{"prots":[443]}');
  assert.match((await next()) as string, /^prots: no such key/);
  rmSync(policyFile);
  assert.match((await next()) as string, /ENOENT/);
  assert.deepEqual(policy.current().ports, new Set([8443]));
  replace('{"ports":[9443]}');
  assert.deepEqual(((await next()) as AddressPolicy).ports, new Set([9443]));
});

test('after its end nothing is looked at', (t) => {
  const { policy, armed } = watched(t, '{}');
  assert.equal(armed(), 1);
  policy[Symbol.dispose]();
  assert.equal(armed(), 0);
});

test('what the file leaves out is as the switches say, and without a file there is nothing to look at', (t) => {
  const { policyFile, policy } = watched(t, '{"allowCidrs":["10.20.0.0/16"]}');
  assert.equal(policy.current().allowHttp, false);
  const open = readPolicy({ allowHttp: true, allowLoopback: true, allowCidrs: ['10.0.0.0/8'], policyFile });
  assert.deepEqual([open.allowHttp, open.allowLoopback, open.ports], [true, true, 'any']);
  assert.equal(open.allowCidrs[0]?.bits, 16);
  const time = manualClock();
  using still = watchPolicy(closed, { clock: time.clock, unusable: assert.fail });
  assert.deepEqual([still.current().allowHttp, time.armed()], [false, 0]);
});

test('a process does not start with a file that cannot be used', (t) => {
  const { policyFile, replace } = watched(t, '{}');
  replace('{"allowLoopback":true}');
  assert.throws(() => readPolicy({ ...closed, policyFile }), /^RangeError: allowLoopback: no such key/);
  assert.throws(() => readPolicy({ ...closed, policyFile: '/no/such/file' }), /ENOENT/);
});
