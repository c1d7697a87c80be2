import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from './wait-for.ts';

test('the first truthy answer ends the waiting, errors before it do not', async () => {
  let asked = 0;
  const condition = () => {
    asked++;
    if (asked === 1) throw new Error('not yet');
    return asked === 3 && 'there';
  };
  assert.equal(await waitFor(condition, { what: 'the third' }), 'there');
  assert.equal(asked, 3);
});

test('waiting in vain names what was awaited and the last error', async () => {
  const failing = () => {
    throw new Error('refused');
  };
  const error: Error = await waitFor(failing, { what: 'a miracle', timeoutMs: 20 }).then(
    assert.fail,
    (reason) => reason,
  );
  assert.equal(error.message, 'waited 20 ms in vain for a miracle');
  assert.equal((error.cause as Error).message, 'refused');
});
