import { auditStart, chainEntry, PostriderError, readAuditRecord } from '@postrider/core';
import { KafkaError } from '@postrider/kafka';
import { readStretch } from './stretch.ts';
import type { AuditEntry, AuditHead } from '@postrider/contract/postrider/v1/audit';
import type { KafkaPort, OutgoingRecord, TopicPartitionOffset } from '@postrider/kafka';

export interface AuditChainOptions {
  readonly kafka: Pick<KafkaPort, 'admin' | 'reader'>;
  /** Full name of the `audit` topic. */
  readonly topic: string;
  /** How far leaders before have noted to have come; absent: nothing is noted. */
  readonly noted: AuditHead | undefined;
  /** The topic does not hold what was written to it: told to people, for ever visible in the chain, and no reason to stop. */
  readonly onLoss: (why: string) => void;
}

/** The next entries of the chain, made but not written yet. */
export interface AuditPart {
  readonly records: readonly OutgoingRecord[];
  readonly head: AuditHead;
}

/** The end of the chain, in the hands of the one process that may write. */
export interface AuditChain {
  readonly head: AuditHead;
  /** What to write behind the head; nothing changes here before `wrote`. */
  next(entries: readonly AuditEntry[], mayWrite: () => boolean): AuditPart;
  /** It is stored, where is told by `ends`. */
  wrote(part: AuditPart, ends: readonly TopicPartitionOffset[]): void;
}

/** How far before the end of the topic the newest entry is looked for first: an offset is lost with every transaction. */
const LOOK_BACK = 64;

/**
 * Finds the end of the chain. To be called when the broker refuses whatever older writers still send. When the topic holds
 * less than was noted, the chain goes on from what was noted: what is missing stays missing for whoever verifies it.
 * @throws PostriderError `config_invalid` when there is no such topic
 */
export async function openAuditChain(options: AuditChainOptions): Promise<AuditChain> {
  const { topic, noted = auditStart, onLoss } = options;
  const found = await newestEntry(options);
  const head = found.head ?? auditStart;
  const isLost = head.sequence < noted.sequence;
  const isOther = head.sequence === noted.sequence && !head.hash.equals(noted.hash);
  if (isLost) onLoss(`${topic} ends with entry ${head.sequence}, but entry ${noted.sequence} was written`);
  else if (isOther) onLoss(`entry ${head.sequence} of ${topic} is not the one that was written`);
  return new Chain(options, isLost || isOther ? noted : head, found.end);
}

class Chain implements AuditChain {
  head: AuditHead;
  readonly #options: AuditChainOptions;
  /** What is written next stands here or behind it. */
  #end: number;

  constructor(options: AuditChainOptions, head: AuditHead, end: number) {
    this.#options = options;
    this.head = head;
    this.#end = end;
  }

  next(entries: readonly AuditEntry[], mayWrite: () => boolean): AuditPart {
    let { head } = this;
    const records = entries.map((entry): OutgoingRecord => {
      const chained = chainEntry(entry, head);
      head = chained.head;
      return { topic: this.#options.topic, partition: 0, key: null, value: chained.value, mayWrite };
    });
    return { records, head };
  }

  wrote({ records, head }: AuditPart, ends: readonly TopicPartitionOffset[]): void {
    const { topic, onLoss } = this.#options;
    const end = ends.find((one) => one.topic === topic);
    if (end === undefined) return;
    const first = end.offset - records.length + 1;
    if (first < this.#end) onLoss(`${topic} was written up to offset ${this.#end}, and is written at ${first} now`);
    this.#end = end.offset + 1;
    this.head = head;
  }
}

/** The newest entry that can be read, looked for ever further back; null: there is none. */
async function newestEntry({ kafka, topic }: AuditChainOptions): Promise<{ head: AuditHead | null; end: number }> {
  const { low, high } = await endsOf(kafka, topic);
  for (let back = LOOK_BACK, until = high; until > low; back *= 4) {
    const from = Math.max(low, until - back);
    let newest: AuditHead | null = null;
    for (let next = from; next < until;) {
      const stretch = await readStretch(kafka, topic, next, until);
      for (const { value } of stretch.records) newest = readAuditRecord(value) ?? newest;
      next = stretch.next;
    }
    if (newest !== null) return { head: { sequence: newest.sequence, hash: newest.hash }, end: high };
    until = from;
  }
  return { head: null, end: high };
}

async function endsOf(
  { admin }: AuditChainOptions['kafka'],
  topic: string,
): Promise<{ readonly low: number; readonly high: number }> {
  try {
    const [range] = await admin.offsets(topic);
    return range ?? { low: 0, high: 0 };
  } catch (error) {
    if (!(error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC')) throw error;
    throw new PostriderError('config_invalid', `Topic ${topic} does not exist.`, { cause: error });
  }
}
