import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock, createFakeKafka } from '@postrider/kafka/testing';
import { waitForCluster } from './cluster.ts';
import type { Screen } from './screen.ts';

function harness() {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  const said: string[] = [];
  const screen: Screen = {
    paint: (_colour, text) => text,
    line: () => {},
    finished: [],
    step: (what, work) => {
      said.push(what);
      return work((text) => said.push(text));
    },
  };
  const stop = new AbortController();
  const port = kafka.connect();
  const waiting = () => waitForCluster(['one:9092'], port, { screen, clock, signal: stop.signal });
  return { clock, kafka, said, stop, waiting };
}

test('a cluster that does not answer is waited for, which is said once, and work goes on when it is there', async () => {
  const { clock, kafka, said, waiting } = harness();
  kafka.brokerDown();
  let brokers: number | undefined;
  const done = waiting().then((count) => (brokers = count));
  await clock.advance(60_000);
  assert.equal(brokers, undefined);
  kafka.brokerUp();
  await clock.advance(30_000);
  assert.equal(brokers, 1);
  await done;
  assert.equal(said.length, 2);
  assert.match(said.join('\n'), /one:9092[^]*POSTRIDER_KAFKA_BROKERS/);
});

test('waiting ends at once when the process is told to stop', async () => {
  const { clock, kafka, stop, waiting } = harness();
  kafka.brokerDown();
  const done = assert.rejects(waiting(), { name: 'AbortError' });
  await clock.advance(15_000);
  stop.abort();
  await done;
});
