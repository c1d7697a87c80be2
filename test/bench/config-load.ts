import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parseKek } from '@postrider/core';
import { topicName } from '@postrider/kafka';
import { uniqueName } from '../support/resources.ts';
import { askChild } from './ask-child.ts';
import { writeBenchConfig } from './bench-config.ts';
import { createBenchTopics } from './bench-topics.ts';
import { conclude, judge } from './bounds.ts';
import { keepResults, median } from './machine.ts';
import { openStage } from './rig/stage.ts';
import type { ConfigReaderTold, ConfigReaderWork } from './config-reader-process.ts';
import type { PlainOptions } from './plain-options.ts';

const PARTITIONS = 12;
const SECONDS_MAX = 6;
const RSS_MB_MAX = 500;

/** Processes, one after the other, that each read the configuration of many endpoints as every service does at its start. */
export async function benchConfigLoad({ endpoints, rounds, record }: PlainOptions<'config-load'>): Promise<void> {
  await using stage = await openStage();
  const prefix = `${uniqueName('bench')}.`;
  await createBenchTopics(stage.port, prefix, PARTITIONS);
  const topic = topicName(prefix, 'config');
  const kek = parseKek(randomBytes(32).toString('hex'));
  await writeBenchConfig({ kafka: stage.port, topic, kek, partitions: PARTITIONS, endpoints, sinkPort: 1 });
  const work: ConfigReaderWork = { brokers: stage.bootstrapServers, topic };
  const told: ConfigReaderTold[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const one = await readOnce(work);
    if (one.endpoints !== endpoints) throw new Error(`${one.endpoints} of ${endpoints} endpoints were read`);
    told.push(one);
    stage.say(JSON.stringify(one));
  }
  const of = (name: keyof ConfigReaderTold): number => median(told.map((one) => one[name]));
  const summary = {
    bench: 'config-load',
    ...{ endpoints, rounds, cpuSeconds: of('cpuSeconds'), liveMb: of('liveMb') },
    ...judge([
      { figure: 'read at the start (s)', value: of('seconds'), most: SECONDS_MAX },
      { figure: 'most memory of the reader (MB)', value: of('rssMaxMb'), most: RSS_MB_MAX },
    ]),
    ...stage.machineFacts(),
  };
  await keepResults('config-load', { summary, rounds: told }, record);
  conclude(summary);
}

async function readOnce(work: ConfigReaderWork): Promise<ConfigReaderTold> {
  const child = askChild(fork(join(import.meta.dirname, 'config-reader-process.ts')), 'reader');
  try {
    return await child.ask<ConfigReaderTold>(work);
  } finally {
    await child.close();
  }
}
