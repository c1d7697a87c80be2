import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualClock } from '../testing/manual-clock.ts';
import { EgressError } from './failure.ts';
import { defaultLimits, type EgressLimits } from './limits.ts';
import { createNames } from './names.ts';
import type { NameAnswer } from './resolve.ts';

type Say = NameAnswer | 'silence' | 'ESERVFAIL' | 'ENOTFOUND' | 'ECONNREFUSED';

/** Names on a clock that stands still; name servers say what `say` holds for a name. Observe `asked` and `changes`. */
function names(limits: Partial<EgressLimits> = {}) {
  const time = manualClock();
  const asked: string[] = [];
  const say = new Map<string, Say>();
  const changes: boolean[] = [];
  const { resolve, isFailing, onChange, close } = createNames({
    clock: time.clock,
    limits: { ...defaultLimits, ...limits },
    ask: async (hostname) => {
      asked.push(hostname);
      const said = say.get(hostname) ?? 'ENOTFOUND';
      if (said === 'silence') return new Promise<never>(() => {});
      if (typeof said === 'string') throw Object.assign(new Error(said), { code: said });
      return said;
    },
  });
  onChange(() => changes.push(isFailing()));
  /** For a tenant the addresses, or the failure's code and owner. */
  const outcomeFor = (tenant: string, hostname: string): Promise<string> =>
    resolve(hostname, tenant).then(
      (addresses) => addresses.join(),
      (error: unknown) => {
        assert.ok(error instanceof EgressError);
        return `${error.failure.code} ${error.failure.owner}`;
      },
    );
  /** Each name is another tenant's. */
  const outcome = (hostname: string): Promise<string> => outcomeFor(hostname, hostname);
  return { ...time, isFailing, close, changes, asked, say, outcome, outcomeFor };
}

const at = (address: string, ttlMs = 30_000): NameAnswer => ({ addresses: [address], ttlMs });
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('an answer is used for its time to live, but for a second at least and a minute at most', async () => {
  for (const [ttlMs, usedFor] of [
    [0, 1_000],
    [30_000, 30_000],
    [86_400_000, 60_000],
  ] as const) {
    const { say, outcome, advance, asked } = names();
    say.set('a.com', at('8.8.8.8', ttlMs));
    await outcome('a.com');
    say.set('a.com', at('9.9.9.9', ttlMs));
    advance(usedFor - 1);
    assert.equal(await outcome('a.com'), '8.8.8.8', String(ttlMs));
    advance(1);
    assert.equal(await outcome('a.com'), '9.9.9.9', String(ttlMs));
    assert.equal(asked.length, 2);
  }
});

test('of a name with thousands of addresses no more are remembered than show that it has too many', async () => {
  const { say, outcome } = names();
  say.set('a.com', { addresses: Array<string>(6_000).fill('8.8.8.8'), ttlMs: 30_000 });
  assert.equal((await outcome('a.com')).split(',').length, 257);
});

test('all that want a name at the same time share one question', async () => {
  const { say, outcome, asked } = names();
  say.set('a.com', at('8.8.8.8'));
  assert.deepEqual(await Promise.all([outcome('a.com'), outcome('a.com'), outcome('a.com')]), Array(3).fill('8.8.8.8'));
  assert.deepEqual(asked, ['a.com']);
});

test('that there is no such name is the endpoint’s fault, and remembered for five seconds', async () => {
  const { say, outcome, advance, asked } = names();
  assert.equal(await outcome('a.com'), 'dns_not_found endpoint');
  say.set('a.com', at('8.8.8.8'));
  advance(4_999);
  assert.equal(await outcome('a.com'), 'dns_not_found endpoint');
  advance(1);
  assert.equal(await outcome('a.com'), '8.8.8.8');
  assert.equal(asked.length, 2);
});

test('while name servers fail an answer stands in until it is a minute old, and not longer', async () => {
  const { say, outcome, advance } = names();
  say.set('a.com', at('8.8.8.8', 5_000));
  await outcome('a.com');
  say.set('a.com', 'ESERVFAIL');
  advance(6_000);
  assert.equal(await outcome('a.com'), '8.8.8.8');
  advance(53_999);
  assert.equal(await outcome('a.com'), '8.8.8.8');
  advance(1);
  assert.match(await outcome('a.com'), /^dns_failure /);
});

test('a name that says no is not stood in for: it is gone', async () => {
  const { say, outcome, advance } = names();
  say.set('a.com', at('8.8.8.8', 5_000));
  await outcome('a.com');
  say.set('a.com', 'ENOTFOUND');
  advance(5_000);
  assert.equal(await outcome('a.com'), 'dns_not_found endpoint');
});

test('one broken name among names that are answered is its endpoint’s fault', async () => {
  const { say, outcome, asked } = names();
  say.set('good.com', at('8.8.8.8')).set('bad.com', 'ESERVFAIL');
  await outcome('good.com');
  assert.equal(await outcome('bad.com'), 'dns_failure endpoint');
  // Asked, not remembered: what it was a moment ago proves nothing.
  assert.deepEqual(asked, ['good.com', 'bad.com', 'good.com']);
});

test('when no name is answered any more the fault is ours, for each of them, and over as soon as one is', async () => {
  const { say, outcome, advance } = names();
  for (const name of ['a.com', 'b.com', 'c.com']) say.set(name, at('8.8.8.8'));
  await Promise.all(['a.com', 'b.com'].map(outcome));
  for (const name of ['a.com', 'b.com', 'c.com']) say.set(name, 'ESERVFAIL');
  assert.equal(await outcome('c.com'), 'dns_failure ours');
  advance(60_000);
  assert.deepEqual(await Promise.all(['a.com', 'b.com', 'c.com'].map(outcome)), Array(3).fill('dns_failure ours'));
  say.set('a.com', at('8.8.8.8'));
  advance(1_000);
  assert.equal(await outcome('a.com'), '8.8.8.8');
  assert.equal(await outcome('b.com'), 'dns_failure endpoint');
});

test('a tenant that breaks all of its names makes no name of another tenant our fault', async () => {
  const { say, outcomeFor, isFailing } = names();
  const broken = ['m1.com', 'm2.com', 'm3.com', 'm4.com'];
  for (const name of ['good.com', ...broken]) say.set(name, at('8.8.8.8', 0));
  await outcomeFor('honest', 'good.com');
  for (const name of broken) await outcomeFor('mallory', name);
  for (const name of [...broken, 'other.com']) say.set(name, 'ESERVFAIL');
  assert.equal(await outcomeFor('other', 'other.com'), 'dns_failure endpoint');
  assert.equal(isFailing(), false);
});

test('the only tenant’s name that was answered last and breaks is the endpoint’s fault, as another of its names is answered', async () => {
  const { say, outcomeFor, advance, changes } = names();
  for (const name of ['well.com', 'breaks.com']) {
    say.set(name, at('8.8.8.8', 0));
    await outcomeFor('only', name);
  }
  say.set('breaks.com', 'ESERVFAIL');
  advance(1_000);
  assert.equal(await outcomeFor('only', 'breaks.com'), '8.8.8.8');
  await settle();
  advance(60_000);
  assert.equal(await outcomeFor('only', 'breaks.com'), 'dns_failure endpoint');
  assert.deepEqual(changes, []);
});

test('a name that was lost and is found again tells of the next one', async () => {
  const { say, outcome, advance, isFailing } = names();
  say.set('first.com', 'ESERVFAIL').set('broken.com', 'ESERVFAIL');
  assert.equal(await outcome('first.com'), 'dns_failure ours');
  say.set('first.com', at('8.8.8.8'));
  advance(1_000);
  await settle();
  assert.equal(isFailing(), false);
  assert.equal(await outcome('broken.com'), 'dns_failure endpoint');
});

test('that name servers answer again is found out within a second or two, though nobody wants a name', async () => {
  const { say, outcome, advance, asked, changes, isFailing, armed } = names();
  say.set('good.com', at('8.8.8.8')).set('lost.com', 'ESERVFAIL');
  await outcome('good.com');
  assert.equal(armed(), 0);
  // It may not come back: then a name that was lost tells.
  say.set('good.com', 'ESERVFAIL');
  assert.equal(await outcome('lost.com'), 'dns_failure ours');
  assert.deepEqual([isFailing(), changes], [true, [true]]);
  for (let second = 0; second < 10; second++) {
    advance(1_000);
    await settle();
  }
  assert.ok(asked.length <= 3 + 2 * 10, `${asked.length} questions`);
  say.set('lost.com', at('9.9.9.9'));
  advance(1_000);
  await settle();
  assert.deepEqual([isFailing(), changes, armed()], [false, [true, false], 0]);
  // And at once for whoever waits: what was said of a name before does not hold any more.
  assert.equal(await outcome('lost.com'), '9.9.9.9');
});

test('it is over for all names at once, also for those that failed a moment ago', async () => {
  const { say, outcome, advance, isFailing } = names();
  for (const name of ['a.com', 'b.com']) say.set(name, 'ESERVFAIL');
  await outcome('a.com');
  advance(999);
  assert.equal(await outcome('b.com'), 'dns_failure ours');
  for (const name of ['a.com', 'b.com']) say.set(name, at('8.8.8.8'));
  advance(1);
  await settle();
  assert.deepEqual([isFailing(), await outcome('b.com')], [false, '8.8.8.8']);
});

test('while name servers are silent remembered names are waited for once and not again', async () => {
  const { say, outcome, advance, isFailing } = names();
  for (const name of ['a.com', 'b.com']) {
    say.set(name, at('8.8.8.8', 5_000));
    await outcome(name);
    say.set(name, 'silence');
  }
  advance(5_000);
  const first = outcome('a.com');
  await settle();
  advance(2_000);
  assert.equal(await first, '8.8.8.8');
  await settle();
  advance(2_000);
  await settle();
  assert.equal(isFailing(), true);
  // Asked about again, and not answered yet.
  advance(1_500);
  assert.deepEqual(await Promise.all(['a.com', 'b.com'].map(outcome)), ['8.8.8.8', '8.8.8.8']);
});

test('a question that was asked while none was answered is nobody’s fault but ours, even if it fails afterwards', async () => {
  const { say, outcome, advance, isFailing } = names();
  for (const name of ['a.com', 'b.com', 'c.com']) say.set(name, 'ESERVFAIL');
  await outcome('a.com');
  say.set('b.com', 'silence');
  const asked = outcome('b.com');
  await settle();
  say.set('a.com', at('8.8.8.8')).set('b.com', at('9.9.9.9'));
  advance(1_000);
  await settle();
  assert.equal(isFailing(), false);
  advance(1_000);
  assert.equal(await asked, 'dns_timeout ours');
  assert.deepEqual([isFailing(), await outcome('b.com')], [false, '9.9.9.9']);
});

test('nothing is looked after once it is closed', async () => {
  const { say, outcome, close, armed } = names();
  say.set('a.com', 'ESERVFAIL');
  await outcome('a.com');
  assert.equal(armed(), 1);
  close();
  assert.equal(armed(), 0);
  await outcome('b.com');
  say.set('b.com', 'ESERVFAIL');
  await outcome('b.com');
  assert.equal(armed(), 0);
});

test('where nothing was ever answered, and where no name server can be reached, the fault is ours', async () => {
  const { say, outcome } = names();
  say.set('a.com', 'ESERVFAIL').set('b.com', 'ECONNREFUSED').set('c.com', at('8.8.8.8'));
  assert.equal(await outcome('a.com'), 'dns_failure ours');
  await outcome('c.com');
  assert.equal(await outcome('b.com'), 'dns_failure ours');
});

test('a silent name server is given up after its limit, and so is the question about another name', async () => {
  const { say, outcome, advance } = names();
  say.set('good.com', at('8.8.8.8'));
  await outcome('good.com');
  say.set('good.com', 'silence').set('a.com', 'silence');
  let told = '';
  void outcome('a.com').then((text) => (told = text));
  advance(1_999);
  await settle();
  assert.equal(told, '');
  advance(1);
  await settle();
  advance(2_000);
  await settle();
  assert.equal(told, 'dns_timeout ours');
});

test('failures are not asked about again for a second, however many connections want the name', async () => {
  const { say, outcome, advance, asked } = names();
  say.set('good.com', at('8.8.8.8', 60_000)).set('bad.com', 'ESERVFAIL');
  await outcome('good.com');
  for (let tries = 0; tries < 10; tries++) {
    await outcome('bad.com');
    advance(99);
  }
  assert.deepEqual(asked, ['good.com', 'bad.com', 'good.com']);
});

test('no more names than allowed are remembered: the oldest is forgotten', async () => {
  const { say, outcome, asked } = names({ namesMax: 2 });
  for (const name of ['a.com', 'b.com', 'c.com']) {
    say.set(name, at('8.8.8.8'));
    await outcome(name);
  }
  await outcome('c.com');
  assert.equal(asked.length, 3);
  await outcome('a.com');
  assert.equal(asked.length, 4);
});
