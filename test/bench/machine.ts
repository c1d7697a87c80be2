import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { kafkaVersion } from '../../deploy/local/index.ts';
import type { LocalKafka } from '../support/kafka.ts';
import { writeResults } from './performance-page.ts';
import type { MachineFacts } from './report.ts';

const root = resolve(import.meta.dirname, '../..');

/** The one-minute load average. */
export function load(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

/** What figures were measured on; `kafka` null: on none. */
export function machineFacts(kafka: LocalKafka | null, loadBefore: number): MachineFacts {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.versions.node,
    kafka: kafka === null ? 'none' : kafka.brokers.length > 0 ? kafkaVersion : 'unknown',
    loadBefore,
    loadAfter: load(),
  };
}

/** Where results are kept. */
export function resultsFile(bench: string, type: 'json' | 'csv', record: boolean): string {
  return join(root, record ? 'test/bench/results' : '.cache/bench', `${bench}.${type}`);
}

/** Keeps what a bench found: in the repository with `record`, for a bench for oneself must not change a tracked file. */
export async function keepResults(bench: string, results: object, record: boolean): Promise<void> {
  const file = resultsFile(bench, 'json', record);
  await mkdir(join(file, '..'), { recursive: true });
  // Lists by partition as objects: the formatter would fold lists of numbers, and a bench must leave a clean tree.
  const unfolded = (_key: string, value: unknown): unknown =>
    Array.isArray(value) && value.every((one) => typeof one === 'number') ? Object.fromEntries(value.entries()) : value;
  const text = JSON.stringify({ ...results, time: new Date().toISOString() }, unfolded, 2);
  await writeFile(file, `${text}\n`);
  // What is on record is what documentation shows.
  if (record) await writeResults();
}

/** The middle one; of an even number the lower of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? Number.NaN;
}

export function round(value: number, digits = 1): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
