/**
 * Writes deliveries or events at the times of its plan, whatever becomes of those before: nothing that is slow makes it ask
 * for less. Told its plan by the first message; `start` names the moment (`monotonicMs`) from which what is measured counts.
 */
import { connectKafka, type OutgoingRecord } from '@postrider/kafka';
import { systemClock } from '@postrider/runtime';
import { deliveryRecord } from '../../../services/router/src/delivery-record.ts';
import { eventRecord } from '../../support/publish-events.ts';
import { quantile } from '../../support/quantile.ts';
import { benchEvent, destinationOf, addresseeOf } from '../preload.ts';
import { ownCpuMicroseconds } from '../proc-stat.ts';
import { numberAt, typeOfEndpoint, type LoadPlan, type LoadTold, type Stream } from './load-plan.ts';
import { monotonicMs } from './monotonic.ts';
import { timedBody } from './timed-body.ts';
import type { LoadCommand } from './load.ts';

const EVERY_MS = 1;
/** Of how late the load was, as many values are kept. */
const LATE_KEPT_MAX = 200_000;
/** Numbers of a stream's events begin here, times its id. */
const EVENTS_OF_STREAM = 100_000_000;

let plan: LoadPlan;
let startAt = 0;
let written = 0;
let outstandingMax = Infinity;
let arrived = 0;
const late: number[] = [];
const failures: Error[] = [];
let finished: (() => void) | null = null;
let port: ReturnType<typeof connectKafka>;
let producer: ReturnType<typeof port.producer>;

process.on('message', (command: LoadCommand) => void obey(command));
process.on('disconnect', () => process.exit(0));
process.send?.('here');

async function obey(command: LoadCommand): Promise<void> {
  switch (command.kind) {
    case 'plan':
      ({ plan } = command);
      port = connectKafka({ brokers: plan.brokers, clientId: 'load', clock: systemClock });
      producer = port.producer({ name: 'load' });
      return void process.send?.('ready');
    case 'start':
      ({ startAt } = command);
      outstandingMax = command.outstandingMax ?? Infinity;
      run();
      return void process.send?.('started');
    case 'arrived':
      ({ arrived } = command);
      return void process.send?.(written);
    case 'end':
      await over;
      await producer.flush();
      if (failures[0] !== undefined) throw failures[0];
      return void process.send?.(told());
  }
}

const over = new Promise<void>((resolve) => (finished = resolve));

function run(): void {
  const states = plan.streams.map((stream) => ({ stream, next: 0, count: numberAt(stream, stream.to) }));
  const timer = setInterval(() => {
    const second = (monotonicMs() - startAt) / 1_000;
    let left = false;
    for (const state of states) {
      const due = Math.min(state.count, numberAt(state.stream, second + EVERY_MS / 2_000));
      while (state.next < due && written - arrived < outstandingMax) write(state.stream, state.next++);
      // What could not be written in its time by a load that waits for arrivals is not asked for later.
      if (second < state.stream.to || (outstandingMax === Infinity && state.next < state.count)) left = true;
    }
    if (left) return;
    clearInterval(timer);
    finished?.();
  }, EVERY_MS);
}

function write(stream: Stream, number: number): void {
  const waits = outstandingMax !== Infinity;
  const now = monotonicMs();
  // A load that waits for arrivals has no times of its own.
  const at = waits ? now : startAt + (stream.from + number / stream.perSecond) * 1_000;
  if (late.length < LATE_KEPT_MAX) late.push(now - at);
  written += 1;
  producer.enqueue(recordOf(stream, number, at), (error) => void (error !== null && failures.push(error)));
}

function recordOf(stream: Stream, number: number, at: number): OutgoingRecord {
  const target = stream.targets[number % stream.targets.length] as number;
  const endpoint = plan.endpoints[target] as LoadPlan['endpoints'][number];
  const body = timedBody({ at, stream: stream.id, number }, plan.bodyBytes);
  const index = stream.id * EVENTS_OF_STREAM + number;
  if (plan.writes === 'deliveries') {
    const event = benchEvent(index, body, endpoint.tenant);
    return deliveryRecord(event, addresseeOf(endpoint), destinationOf(plan.topicPrefix, plan.partitions));
  }
  const type = stream.eventType ?? typeOfEndpoint(target);
  const event = { id: `event-${index}`, source: '/bench/load', type, tenant: endpoint.tenant, body };
  return eventRecord(`${plan.topicPrefix}events`, number % plan.partitions, event);
}

function told(): LoadTold {
  return { written, lateP99Ms: quantile(late, 0.99), lateMaxMs: quantile(late, 1), cpuUs: ownCpuMicroseconds() };
}
