import { DELIVERY_HEADER, ROW_HEADER, header, type IncomingRecord } from '@postrider/kafka';
import type { Tier } from '@postrider/core';
import { fieldsOf, timeOf, type Fields } from './wire.ts';

/** A record of a tier: how new it is, and what it says; of a case the newest of each tier. */
export interface RowGhost {
  readonly epoch: number;
  readonly n: number;
  /** False: a tombstone. */
  readonly row: boolean;
  readonly attempt: number;
  readonly dueAt: number;
}

/** What an endpoint asked for, and the reign that it told. */
export interface AskedPause {
  readonly ms: number;
  readonly epoch: number;
}

/** A place in `deliveries` or `deliveries.bulk`. */
export interface Place {
  readonly bulk: boolean;
  readonly offset: number;
  /** A repeat that comes while every owner remembers the record before it. */
  readonly known: boolean;
}

export type Ending = 'done' | 'dead' | 'cancelled';

/** One delivery in one run, as the logs and the receivers tell of it. */
export interface Case {
  /** (delivery id, run). */
  readonly key: string;
  readonly deliveryId: string;
  readonly webhookId: string;
  readonly endpointUid: string;
  readonly partition: number;
  /** What its endpoint must see in order; null: nothing. */
  readonly lane: string | null;
  readonly eventId: string;
  readonly routedAt: number;
  readonly expiresAt: number;
  /** The same of its newest record that no owner can know as a repeat: to the owner it is first seen then. */
  lastExpiresAt: number;
  readonly body: string;
  /** Its records, routers' repeats included. The first one's offset is its place in the order. */
  readonly places: Place[];
  readonly rows: Map<Tier, RowGhost>;
  ending: Ending | null;
  endedAt: number;
  /** How many had arrived when a process that took itself to be cut off last said that none had. */
  sendsUnheard: number;
  /** Requests that arrived, those of them answered with a 2xx, and those of these whose answer got lost on the way. */
  sends: number;
  successes: number;
  lostAnswers: number;
  deadLetters: number;
  /** When the first request of each number arrived. */
  readonly arrivedAt: number[];
  /** The pause that was asked for in answer to it; `ms` 0: none, or nobody can tell. */
  readonly asked: AskedPause[];
  /** Number of its last request. */
  lastNumber: number;
  /** Highest number of an attempt that is on record. */
  recorded: number;
  /** Requests whose number was not above the last one's. */
  repeats: number;
  /** It had ended, and the logs said so: no reign that ends badly excuses that it is sent again. */
  settled: boolean;
  /** It is being repeated after it had ended. */
  revived: boolean;
  /** Requests before the due time that the newest attempt names. */
  early: number;
  dueAt: number;
  /** Reign that planned that. */
  plannedInEpoch: number;
  /** How often it may be repeated, and be early, because a reign ended badly. */
  repeatsAllowed: number;
  earlyAllowed: number;
  /** Records of it that no owner can know as repeats. */
  forgotten: number;
  /** Reign that ended it last; Infinity when nobody can tell. */
  endedInEpoch: number;
  /** Reign of its last request. */
  sentInEpoch: number;
}

/** What a case is known by: (delivery id, run). `run`: the fields of the message that names the run. */
export function caseKey(deliveryId: string, run: Fields): string {
  const runId = run.bytes(2).toString();
  return runId === '' ? deliveryId : `${deliveryId}/${runId}`;
}

/** What an endpoint must see in order: all that has the same name. Null: it may see the delivery at any time. */
export function laneName(ordering: 'none' | 'endpoint' | 'key', endpointUid: string, key: string): string | null {
  if (ordering === 'none') return null;
  return ordering === 'endpoint' ? endpointUid : `${endpointUid}/${key}`;
}

/** A delivery of which one record is known. */
export function newCase(
  fields: Pick<
    Case,
    | 'key'
    | 'deliveryId'
    | 'webhookId'
    | 'endpointUid'
    | 'partition'
    | 'lane'
    | 'eventId'
    | 'routedAt'
    | 'expiresAt'
    | 'body'
  >,
): Case {
  return {
    ...fields,
    lastExpiresAt: fields.expiresAt,
    places: [],
    rows: new Map(),
    ending: null,
    endedAt: 0,
    sends: 0,
    sendsUnheard: 0,
    successes: 0,
    lostAnswers: 0,
    deadLetters: 0,
    arrivedAt: [],
    asked: [],
    lastNumber: 0,
    recorded: 0,
    repeats: 0,
    settled: false,
    revived: false,
    early: 0,
    dueAt: 0,
    plannedInEpoch: -1,
    repeatsAllowed: 0,
    earlyAllowed: 0,
    forgotten: 0,
    endedInEpoch: Infinity,
    sentInEpoch: -1,
  };
}

/** Whether some tier holds a row of it: a row that no newer record of its tier overrules. */
export function hasRow(one: Case): boolean {
  for (const { row } of one.rows.values()) if (row) return true;
  return false;
}

/**
 * Whether an older row of the same reign stands when this one is taken away. Who wrote both takes the newest away last: after
 * a crash in between, the older one would begin again with attempts that were made. Two that say the same are left by who
 * answers a late copy in the old tier while the row is on its way to another: either wakes as the other would.
 */
export function wakesOlder(one: Case, tier: Tier, { epoch, n, attempt, dueAt }: RowGhost): boolean {
  const left = [...one.rows].filter(([other, { row }]) => row && other !== tier).map(([, row]) => row);
  if (left.some((row) => row.epoch > epoch || (row.epoch === epoch && row.n > n))) return false;
  return left.some((row) => row.epoch === epoch && (row.attempt !== attempt || row.dueAt !== dueAt));
}

/** What a record of a tier says. */
export function rowGhostOf(record: Pick<IncomingRecord, 'value' | 'headers'>): RowGhost {
  const version = fieldsOf(header(record, ROW_HEADER) ?? Buffer.alloc(0));
  const row = record.value !== null;
  const fields = fieldsOf((row ? header(record, DELIVERY_HEADER) : undefined) ?? Buffer.alloc(0));
  const [epoch, n, attempt] = [version.number(1), version.number(2), fields.number(14)];
  return { epoch, n, row, attempt, dueAt: timeOf(fields.message(13)) };
}

/** A process is cut off, and says so of this one: it uses no attempt, not even that of a request which has arrived. */
export function unheard(one: Case): void {
  if (one.sends > one.sendsUnheard) one.repeatsAllowed += 1;
  one.sendsUnheard = one.sends;
}

/** A repeat comes when nobody remembers the record before it: it is a delivery of its own, good until then. */
export function seenAgain(one: Case, expiresAt: number): void {
  one.repeatsAllowed += 1;
  one.forgotten += 1;
  one.settled = false;
  one.lastExpiresAt = Math.max(one.lastExpiresAt, expiresAt);
  // Nobody knows any more when that which has ended was to be tried.
  if (one.ending !== null) one.dueAt = 0;
}
