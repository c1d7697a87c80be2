/** The broker here is a model after KIP-227, as strict as the real one: it knows a session's partitions, id and next epoch. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFetchSession } from './fetch-session.ts';
import type { FetchAsk, FetchPosition, FetchSession } from './fetch-session.ts';

/** After that many requests of a session their numbers begin anew at 1. */
const EPOCH_MAX = 3;

/** A broker with room for one session. */
class ModelBroker {
  #next = 100;
  #held: { id: number; epoch: number; readonly positions: Map<string, FetchPosition> } | null = null;

  /** What is fetched from by this request, and the session's id in the answer; null when it knows of no such session. */
  ask(ask: FetchAsk, hasRoom = true): { readonly id: number; readonly positions: readonly FetchPosition[] } | null {
    if (ask.epoch <= 0) {
      if (this.#held?.id === ask.sessionId) this.#held = null;
      assert.deepEqual(ask.forgotten, []);
      if (ask.epoch < 0 || !hasRoom) return { id: 0, positions: ask.positions };
      this.#held = { id: this.#next++, epoch: 1, positions: new Map() };
    } else {
      if (this.#held?.id !== ask.sessionId || this.#held.epoch !== ask.epoch) return null;
      this.#held.epoch = this.#held.epoch === EPOCH_MAX ? 1 : this.#held.epoch + 1;
    }
    const { id, positions } = this.#held;
    for (const { topic, partition } of ask.forgotten) positions.delete(`${topic}/${partition}`);
    for (const position of ask.positions) positions.set(`${position.topic}/${position.partition}`, position);
    return { id, positions: [...positions.values()] };
  }

  evict(): void {
    this.#held = null;
  }
}

type Step =
  | { readonly do: 'want'; readonly partition: number; readonly offset: number }
  | { readonly do: 'forget'; readonly partition: number }
  | { readonly do: 'fetch' | 'fetch-without-room' | 'question-lost' | 'answer-lost' | 'evict' };

const partition = fc.nat(5);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('want' as const), partition, offset: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('forget' as const), partition }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('fetch' as const) }) },
    fc.record({ do: fc.constantFrom('fetch-without-room', 'question-lost', 'answer-lost', 'evict') }),
  ),
  { minLength: 10, maxLength: 60, size: 'max' },
);

const sorted = (positions: Iterable<FetchPosition>) => [...positions].toSorted((a, b) => a.partition - b.partition);
const at = (partitionNumber: number, offset: number) => ({ topic: 't', partition: partitionNumber, offset });
const wantAll = (session: FetchSession, ...positions: readonly FetchPosition[]) => {
  for (const one of positions) session.want(`t/${one.partition}`, one);
};

/** One request with its answer; asked once more, for all, when the broker knows of no such session. */
function fetchOnce(session: FetchSession, broker: ModelBroker, hasRoom = true): readonly FetchPosition[] {
  for (let tries = 0; tries < 2; tries += 1) {
    const answer = broker.ask(session.next(), hasRoom);
    if (answer === null) session.lost();
    else {
      session.answered(answer.id);
      return answer.positions;
    }
  }
  return assert.fail('the broker knew neither the session nor a request for all');
}

test('whatever is wanted, forgotten and lost: what an answered request reads is what was wanted when it was sent', () => {
  fc.assert(
    fc.property(steps, (script) => {
      const session = createFetchSession(EPOCH_MAX);
      const broker = new ModelBroker();
      const wanted = new Map<number, FetchPosition>();
      for (const step of script) {
        if (step.do === 'want') {
          wanted.set(step.partition, at(step.partition, step.offset));
          wantAll(session, at(step.partition, step.offset));
        } else if (step.do === 'forget') {
          wanted.delete(step.partition);
          session.forget(`t/${step.partition}`);
        } else if (step.do === 'evict') {
          broker.evict();
        } else if (step.do === 'question-lost' || step.do === 'answer-lost') {
          const ask = session.next();
          if (step.do === 'answer-lost') broker.ask(ask);
          session.lost();
        } else {
          const read = fetchOnce(session, broker, step.do === 'fetch');
          assert.deepEqual(sorted(read), sorted(wanted.values()));
        }
        assert.equal(session.size, wanted.size);
      }
    }),
    { numRuns: 500 },
  );
});

test('a request in a session names only what has changed since the one before it', () => {
  const session = createFetchSession();
  const broker = new ModelBroker();
  wantAll(session, at(0, 0), at(1, 0), at(2, 0));
  fetchOnce(session, broker);
  assert.deepEqual(session.next(), { sessionId: 100, epoch: 1, positions: [], forgotten: [] });
  session.answered(100);
  wantAll(session, at(1, 7), at(0, 0));
  session.forget('t/2');
  const { positions, forgotten } = session.next();
  assert.deepEqual([positions, forgotten], [[at(1, 7)], [at(2, 0)]]);
  session.answered(100);
  session.forget('t/1');
  wantAll(session, at(1, 7));
  assert.deepEqual(session.next(), { sessionId: 100, epoch: 3, positions: [], forgotten: [] });
});

test('what is wanted while a request is under way is told with the next one', () => {
  const session = createFetchSession();
  wantAll(session, at(0, 0), at(1, 0));
  session.next();
  wantAll(session, at(0, 5));
  session.answered(9);
  assert.deepEqual(session.next().positions, [at(0, 5)]);
});

test('a session whose request went unanswered is ended with the next one, which asks for all, the last that moved last', () => {
  const session = createFetchSession();
  wantAll(session, at(0, 0), at(1, 0));
  session.next();
  session.answered(9);
  wantAll(session, at(0, 3));
  session.next();
  session.lost();
  assert.deepEqual(session.next(), { sessionId: 9, epoch: 0, positions: [at(1, 0), at(0, 3)], forgotten: [] });
});

test('a single partition is asked for without a session', () => {
  const session = createFetchSession();
  wantAll(session, at(0, 0));
  assert.equal(session.next().epoch, -1);
  session.answered(0);
  wantAll(session, at(1, 0));
  assert.equal(session.next().epoch, 0);
});

test('a session outlives the highest number of a request', () => {
  const session = createFetchSession(EPOCH_MAX);
  const broker = new ModelBroker();
  wantAll(session, at(0, 0), at(1, 0));
  const epochs = Array.from({ length: 6 }, () => {
    const ask = session.next();
    const answer = broker.ask(ask);
    assert.equal(answer?.id, 100);
    session.answered(100);
    return ask.epoch;
  });
  assert.deepEqual(epochs, [0, 1, 2, 3, 1, 2]);
});
