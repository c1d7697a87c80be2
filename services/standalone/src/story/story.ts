import { openRpc, type Connection } from '@postrider/cli';
import { retryTiers, type KafkaPort } from '@postrider/kafka';
import { choosePorts } from '@postrider/local-kafka';
import type { Clock } from '@postrider/core';
import type { Screen } from '../screen.ts';
import { tellDelivered } from './delivered.ts';
import { tellGivenUp } from './given-up.ts';
import { laterLine } from './render.ts';
import { watchTopics } from './topic-watch.ts';

export interface StoryOptions {
  readonly connection: Connection;
  readonly kafka: KafkaPort;
  readonly screen: Screen;
  /** Takes the receivers, which stay up after the story. */
  readonly keep: AsyncDisposableStack;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Everything must have arrived by then. */
const storyTimeoutMs = 60_000;

/**
 * Tells, on the screen, how one event is delivered and how another one is given up; everything shown is read back from
 * the topics and the receivers. Rejects, naming what is missing, when not everything arrives within 60 s.
 */
export async function tellStory(options: StoryOptions): Promise<void> {
  const { connection, kafka, screen, keep, clock } = options;
  const late = new AbortController();
  const cancel = clock.after(storyTimeoutMs, () => late.abort(new Error(`${storyTimeoutMs / 1_000} s have passed`)));
  const signal = AbortSignal.any([options.signal, late.signal]);
  const { topicPrefix } = connection;
  try {
    using rpc = openRpc(connection);
    const ids = ['deliveries', 'attempts', 'dead-letters', ...retryTiers] as const;
    await using watch = await watchTopics(kafka, topicPrefix, ids, signal);
    const stage = { kafka, topicPrefix, rpc, watch, screen, keep, signal };
    const [goodPort, badPort] = (await choosePorts(2)) as [number, number];
    const delivered = await tellDelivered(stage, goodPort);
    screen.line();
    const givenUp = await tellGivenUp(stage, badPort);
    for (const { receiver, scene } of [delivered, givenUp])
      receiver.onLater((request) => screen.line(laterLine(screen.paint, scene, request)));
  } finally {
    cancel();
  }
}
