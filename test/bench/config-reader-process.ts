/** Reads a configuration once, as every service does at its start, and tells what that took. */
import { once } from 'node:events';
import { startConfigView } from '@postrider/config-view';
import { connectKafka } from '@postrider/kafka';
import { silentLogger, systemClock } from '@postrider/runtime';
import { liveBytes } from './live-bytes.ts';
import { round } from './machine.ts';

export interface ConfigReaderWork {
  readonly brokers: readonly string[];
  readonly topic: string;
}

export interface ConfigReaderTold {
  readonly endpoints: number;
  /** From the start of reading until all that stands there is folded. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** The most that the process ever held. */
  readonly rssMaxMb: number;
  /** What is left after a collection of garbage. */
  readonly liveMb: number;
}

const MB = 1e6;

const [work] = (await once(process, 'message')) as [ConfigReaderWork];
const began = performance.now();
const cpu = process.cpuUsage();
await using kafka = connectKafka({ brokers: work.brokers, clientId: 'config-reader', clock: systemClock });
await using view = await startConfigView({ kafka, topic: work.topic, log: silentLogger, clock: systemClock });
const endpoints = [...view.snapshot().endpointIds()].length;
const { user, system } = process.cpuUsage(cpu);
const told: ConfigReaderTold = {
  endpoints,
  seconds: round((performance.now() - began) / 1_000, 2),
  cpuSeconds: round((user + system) / 1e6, 2),
  // In KiB.
  rssMaxMb: round((process.resourceUsage().maxRSS * 1_024) / MB),
  liveMb: round((await liveBytes()) / MB),
};
process.send?.(told);
await once(process, 'disconnect');
