import { DELIVERY_HEADER, header, type Headers, type IncomingRecord } from '@postrider/kafka';
import { cutOffCode, type Tier } from '@postrider/core';
import type { Customers } from '../customers.ts';
import { caseKey, hasRow, laneName, newCase, rowGhostOf, seenAgain, unheard, wakesOlder } from './case.ts';
import type { Case, Ending, Place } from './case.ts';
import { createLaneOrder } from './lane-order.ts';
import { createPolicyJudge, type PolicyJudge } from './policy-judge.ts';
import { createOwnershipGhost, type OwnershipGhost } from './ownership-ghost.ts';
import { createTierHistory, type TierHistory } from './tier-history.ts';
import { fieldsOf, timeOf, type Fields } from './wire.ts';

/** A promise that was broken, and when (virtual ms since the start). */
export interface Problem {
  readonly kind: string;
  readonly text: string;
  readonly atMs: number;
}

/** A request as it arrives at its endpoint. */
export interface Arrival {
  readonly process: string;
  readonly deliveryId: string;
  readonly number: number;
  readonly webhookId: string;
  readonly body: string;
}

export interface RefereeOptions {
  readonly partitions: number;
  readonly customers: Customers;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly startedAt: number;
  /** The session of this process was over, and it has not joined again. */
  readonly expelled: (process: string) => boolean;
  /** How far behind its delivery a router's repeat is known for certain. */
  readonly repeatKnownOffsets: number;
  readonly onReignEnd: (how: 'released' | 'lost') => void;
}

const PROBLEMS_MAX = 20;
/** How much later than its expiry a request may arrive: what had taken off before it. */
const EXPIRY_SLACK_MS = 40_000;
/** A router that repeats an event within this time starts nothing (design rule 6: two minutes, less what travels). */
const REPEAT_KNOWN_MS = 110_000;
const PREFIX = 'postrider.'.length;

/** Watches every record that is stored and every request that arrives, and knows what must never happen. */
export function createReferee(options: RefereeOptions): Referee {
  return new Referee(options);
}

export class Referee {
  readonly problems: Problem[] = [];
  readonly cases = new Map<string, Case>();
  readonly quarantined = new Set<string>();
  /** Delivery ids that were asked to be sent again. */
  readonly resent = new Set<string>();
  /** When the faults were over (ms since the Unix epoch). */
  calmAt = Infinity;
  /** Nothing may be sent any more. */
  epilogue = false;
  readonly #o: RefereeOptions;
  readonly #byDelivery = new Map<string, Case>();
  readonly #byPlace = new Map<string, Case>();
  /** What has not ended, by partition. */
  readonly #open: Set<Case>[];
  readonly #ghosts: OwnershipGhost[];
  readonly #tiers: TierHistory[];
  readonly #order;
  readonly #policy: PolicyJudge;

  constructor(options: RefereeOptions) {
    this.#o = options;
    this.#open = Array.from({ length: options.partitions }, () => new Set());
    this.#ghosts = Array.from({ length: options.partitions }, createOwnershipGhost);
    this.#tiers = Array.from({ length: options.partitions }, createTierHistory);
    const problem = (kind: string, text: string): void => this.problem(kind, text);
    this.#order = createLaneOrder(problem);
    this.#policy = createPolicyJudge({ ...options, problem });
  }

  problem(kind: string, text: string): void {
    if (this.problems.length >= PROBLEMS_MAX || this.problems.some((one) => one.kind === kind)) return;
    this.problems.push({ kind, text, atMs: this.#o.now() - this.#o.startedAt });
  }

  ghost(partition: number): OwnershipGhost {
    return this.#ghosts[partition] as OwnershipGhost;
  }

  /** How many deliveries have not ended. */
  get openCases(): number {
    return this.#open.reduce((sum, { size }) => sum + size, 0);
  }

  /** Everything has ended, nothing waits, and the logs say so. */
  get settled(): boolean {
    if (this.openCases > 0) return false;
    for (const one of this.cases.values()) if (this.unfinished(one)) return false;
    return true;
  }

  /** It has not ended, or the logs do not say so yet. */
  unfinished(one: Case): boolean {
    return one.ending === null || hasRow(one) || this.#hasOpenPlace(one);
  }

  /** Key of the endpoint's first delivery. */
  firstOf(endpointUid: string): string | null {
    for (const one of this.cases.values()) if (one.endpointUid === endpointUid) return one.key;
    return null;
  }

  /** The endpoint's deliveries need no order any more. */
  forgetOrder(endpointUid: string): void {
    this.#order.forget(endpointUid);
  }

  /**
   * A record leaves its process: only the newest valid owner may write to tiers and ownership, and anybody only while its
   * session holds. `free`: a claim, or a release whose answer was lost and whose partition may have a new owner already.
   */
  handedOver(process: string, topic: string, partition: number, free: boolean): void {
    const owned = topic.startsWith('retry.') || topic === 'ownership';
    if (!owned && topic !== 'attempts' && topic !== 'dead-letters') return;
    if (this.#o.expelled(process)) this.problem('written-after-session', `${process} writes to ${topic}/${partition}`);
    if (!owned || free) return;
    const ghost = this.ghost(partition);
    if (ghost.processId !== process)
      this.problem('written-by-stranger', `${process} writes to ${topic}/${partition}, which ${ghost.processId} owns`);
  }

  stored(records: readonly IncomingRecord[]): void {
    for (const record of records) {
      const topic = record.topic.slice(PREFIX);
      if (topic === 'deliveries' || topic === 'deliveries.bulk') this.#delivery(topic === 'deliveries.bulk', record);
      else if (topic === 'ownership') this.#ownership(record);
      else if (topic.startsWith('retry.')) this.#tierRecord(topic as Tier, record, true);
      else if (topic === 'attempts') this.#attempt(record);
      else if (topic === 'dead-letters') this.#deadLetter(record);
      else if (topic === 'quarantine') this.quarantined.add(record.value?.toString() ?? '');
    }
  }

  /** The log cleaner went through a tier: what is left is what counts. */
  compacted(tier: Tier, records: readonly IncomingRecord[]): void {
    for (const one of this.cases.values()) {
      one.settled ||= !this.unfinished(one);
      one.rows.delete(tier);
    }
    for (const history of this.#tiers) history.forget(tier);
    for (const record of records) this.#tierRecord(tier, record, false);
    for (const history of this.#tiers) {
      const key = history.missed(tier);
      if (key !== null) this.problem('load-from-lies', `${key} in ${tier} after its compaction`);
    }
    for (const open of this.#open) for (const one of open) this.#mustBeHeld(one, `compaction of ${tier}`);
  }

  /** A request arrives. Undefined for one that no delivery stands for. */
  arrived(arrival: Arrival): Case | undefined {
    const one = this.#byDelivery.get(arrival.deliveryId);
    if (one === undefined) {
      this.problem('unknown-delivery', `${arrival.deliveryId} is sent and stands on no topic`);
      return undefined;
    }
    one.sends += 1;
    this.#judgeSender(one, arrival);
    this.#judgeMoment(one, arrival);
    one.lastNumber = arrival.number;
    one.arrivedAt[arrival.number] ??= this.#o.now();
    one.sentInEpoch = this.ghost(one.partition).epoch;
    return one;
  }

  /** The endpoint answers with a 2xx; `answerLost`: the answer never reaches the process. */
  succeeded(one: Case, answerLost: boolean): void {
    one.successes += 1;
    if (answerLost) one.lostAnswers += 1;
    this.#mustEndOnce(one, one.deadLetters > 0 ? 'sent-after-dead-letter' : 'duplicate');
    // A repeat that nobody can know any more has its place by where it stands itself.
    if (one.successes === 1 && (one.deadLetters === 0 || one.forgotten === 0)) this.#order.succeeded(one);
  }

  #mustEndOnce(one: Case, kind: string): void {
    const ends = one.successes - one.lostAnswers + Math.min(1, one.deadLetters);
    if (ends > 1 + one.repeatsAllowed)
      this.problem(kind, `${one.key} ended ${ends} times; allowed ${1 + one.repeatsAllowed}`);
  }

  #judgeSender(one: Case, { process, webhookId, body }: Arrival): void {
    const ghost = this.ghost(one.partition);
    if (this.epilogue) this.problem('sent-in-epilogue', `${one.key} is sent after everything had ended`);
    if (ghost.processId !== process)
      this.problem(
        'sent-by-stranger',
        `${process} sends ${one.key}; partition ${one.partition} is ${ghost.processId}'s`,
      );
    if (this.#o.expelled(process)) this.problem('sent-after-session', `${process} sends ${one.key}`);
    if (webhookId !== one.webhookId) this.problem('webhook-id', `${one.key} is sent as ${webhookId}`);
    if (body !== one.body) this.problem('body', `${one.key} is sent with another body`);
  }

  #judgeMoment(one: Case, { number }: Arrival): void {
    const now = this.#o.now();
    if (now > one.lastExpiresAt + EXPIRY_SLACK_MS) this.problem('sent-after-expiry', `${one.key}, attempt ${number}`);
    if (now < one.dueAt) {
      one.early += 1;
      if (one.early > one.earlyAllowed)
        this.problem('early', `${one.key} attempt ${number} is sent ${one.dueAt - now} ms before it is due`);
    }
    // What is repeated may fail and be retried: that is one repetition, until it ends again.
    if (number <= one.lastNumber || (one.ending !== null && !one.revived)) {
      one.repeats += 1;
      one.revived = one.ending !== null;
      if (one.repeats > one.repeatsAllowed)
        this.problem('repeated-attempt', `${one.key} attempt ${number} after ${one.lastNumber}, ending ${one.ending}`);
    }
    const most = this.#o.customers.byUid(one.endpointUid)?.attemptsMax ?? 0;
    if (number > most) this.problem('too-many-attempts', `${one.key} attempt ${number} of ${most}`);
  }

  #delivery(bulk: boolean, record: IncomingRecord): void {
    const bytes = header(record, DELIVERY_HEADER);
    if (bytes === undefined) return;
    const fields = fieldsOf(bytes);
    const deliveryId = fields.bytes(1).toString();
    const key = caseKey(deliveryId, fields.message(2));
    let one = this.cases.get(key);
    const isForgotten = one !== undefined && this.#isForgotten(one, record.offset);
    if (one === undefined) {
      one = this.#newCase(key, deliveryId, fields, record);
      this.cases.set(key, one);
      this.#byDelivery.set(deliveryId, one);
      this.#open[record.partition]?.add(one);
    }
    // Who owns the partition remembers what was read and ended for so long; a router that repeats later is not known.
    else if (isForgotten) seenAgain(one, timeOf(fields.message(12)));
    one.places.push({ bulk, offset: record.offset, known: one.places.length > 0 && !isForgotten });
    this.#byPlace.set(`${record.partition}/${bulk}/${record.offset}`, one);
  }

  #isForgotten(one: Case, offset: number): boolean {
    const behind = offset - (one.places[0]?.offset ?? 0);
    return this.#o.now() - one.routedAt > REPEAT_KNOWN_MS || behind > this.#o.repeatKnownOffsets;
  }

  #newCase(key: string, deliveryId: string, fields: Fields, record: IncomingRecord): Case {
    const endpointUid = fields.bytes(6).toString();
    const event = fields.message(9);
    const ordering = key !== deliveryId ? 'none' : (this.#o.customers.byUid(endpointUid)?.ordering ?? 'none');
    return newCase({
      key,
      deliveryId,
      webhookId: fields.bytes(4).toString(),
      endpointUid,
      partition: record.partition,
      lane: laneName(ordering, endpointUid, event.bytes(4).toString()),
      eventId: event.bytes(1).toString(),
      routedAt: this.#o.now(),
      expiresAt: timeOf(fields.message(12)),
      body: record.value?.toString() ?? '',
    });
  }

  #ownership({ partition, offset, key, value }: IncomingRecord): void {
    const ghost = this.ghost(partition);
    if (value === null) return;
    if (key?.toString() === 'owner') {
      const before = ghost.epoch;
      if (ghost.claim(offset, value)) this.#reignEnded(partition, before);
      return;
    }
    const { holds, epoch, number, released, tiers } = ghost.progress(value);
    if (!holds) return;
    if (released) this.#reignReleased(partition, epoch);
    for (const one of this.#open[partition] ?? []) this.#mustBeHeld(one, `progress ${epoch}.${number}`);
    const missed = this.#tiers[partition]?.loadFrom(tiers) ?? null;
    if (missed !== null) this.problem('load-from-lies', `${missed} after progress ${epoch}.${number}`);
  }

  /** What a reign that was not released may have sent without the logs knowing how it went: once more is allowed. */
  #reignEnded(partition: number, epoch: number): void {
    const ghost = this.ghost(partition);
    if (epoch < 0) return;
    const released = ghost.released(epoch);
    this.#o.onReignEnd(released ? 'released' : 'lost');
    if (released) return;
    for (const one of this.cases.values()) {
      if (one.partition !== partition || one.settled || !this.#isInDoubt(one)) continue;
      // What it ended without a request, it may not have lived to count as done.
      if (one.sentInEpoch === epoch || one.endedInEpoch === epoch) one.repeatsAllowed += 1;
      one.earlyAllowed += 1;
    }
  }

  /** Who released in good order knows how everything went that it ended: what reigns before it left in doubt is settled. */
  #reignReleased(partition: number, epoch: number): void {
    for (const one of this.cases.values())
      if (one.partition === partition && one.endedInEpoch === epoch)
        one.repeatsAllowed = Math.min(one.repeatsAllowed, one.repeats + one.forgotten);
  }

  /** The logs do not say that it has ended. Whose other records are done is known by them as a repeat. */
  #isInDoubt(one: Case): boolean {
    return one.ending === null || hasRow(one) || one.places.some((place) => !place.known && this.#isOpen(one, place));
  }

  #hasOpenPlace(one: Case): boolean {
    return one.places.some((place) => this.#isOpen(one, place));
  }

  #isOpen({ partition }: Case, { bulk, offset }: Place): boolean {
    return !this.ghost(partition).isDone(bulk ? 'deliveries.bulk' : 'deliveries', offset);
  }

  /** The logs alone must hold what has not ended, at any moment: everybody may die now. */
  #mustBeHeld(one: Case, after: string): void {
    if (one.ending !== null || hasRow(one) || this.#hasOpenPlace(one)) return;
    this.problem('at-risk', `${one.key} after ${after}: no row, its offsets are done, and it has not ended`);
  }

  #tierRecord(tier: Tier, record: IncomingRecord, check: boolean): void {
    const one = this.cases.get(record.key?.toString() ?? '');
    if (one === undefined)
      return this.problem('row-of-nobody', `${tier}/${record.partition} ${record.key?.toString()}`);
    const stored = rowGhostOf(record);
    const { epoch, n, row, attempt } = stored;
    const found = this.#tiers[record.partition]?.stored(tier, one.key, { ...stored, offset: record.offset });
    if (check && found === false)
      this.problem('load-from-lies', `${one.key} in ${tier}, after what was stored at ${record.offset}`);
    const before = one.rows.get(tier);
    if (before !== undefined && (before.epoch > epoch || (before.epoch === epoch && before.n > n))) return;
    // A living owner may have loaded the row before the tombstone of a dead reign came in, and writes its own truth again.
    one.settled ||= row && epoch < this.ghost(one.partition).epoch && !this.unfinished(one);
    one.rows.set(tier, stored);
    if (attempt > one.recorded)
      this.problem('attempt-hidden', `a row of ${one.key} counts attempt ${attempt}; on record is ${one.recorded}`);
    if (!check || before?.row !== true || row) return;
    this.#mustBeHeld(one, `a tombstone in ${tier}`);
    if (epoch === before.epoch && wakesOlder(one, tier, before))
      this.problem('older-row-wakes', `the newest row of ${one.key} is taken from ${tier}, and an older one stands`);
  }

  #attempt({ key, value }: IncomingRecord): void {
    const fields = fieldsOf(value ?? Buffer.alloc(0));
    const one = this.cases.get(caseKey(key?.toString() ?? '', fields.message(3)));
    if (one === undefined) return this.problem('attempt-of-nobody', key?.toString() ?? '');
    one.recorded = Math.max(one.recorded, fields.number(4));
    const decision = fields.message(8);
    const epoch = fields.number(22);
    if (fields.bytes(10).toString() === cutOffCode) unheard(one);
    if (decision.has(2)) {
      // Late, of a dead reign: its heir plans anew, or has ended it.
      if (epoch < one.plannedInEpoch || (one.ending !== null && epoch < one.endedInEpoch)) return;
      one.plannedInEpoch = epoch;
      one.dueAt = timeOf(decision.message(2).message(1));
      this.#policy.planned(one, fields.number(4), epoch);
    } else if (decision.has(1)) {
      if (one.successes === 0) this.problem('attempt-lies', `${one.key} is called delivered, and no endpoint took it`);
      this.#end(one, 'done', epoch);
    } else if (decision.has(4)) {
      if (this.#o.customers.byUid(one.endpointUid)?.untouched === true)
        this.problem('cancelled-without-reason', one.key);
      this.#end(one, 'cancelled', epoch);
    }
  }

  #deadLetter(record: { readonly headers: Headers }): void {
    const letter = fieldsOf(header(record, 'postrider-dead-letter') ?? Buffer.alloc(0));
    const deliveryId = letter.message(1).bytes(1).toString();
    const one = this.cases.get(caseKey(deliveryId, letter.message(1).message(2)));
    if (one === undefined) return this.problem('dead-letter-of-nobody', deliveryId);
    one.deadLetters += 1;
    const epoch = letter.has(3) ? letter.message(3).number(22) : Infinity;
    // Late, of a reign that was lost: its heir could not know of it, and went on.
    const isLate = epoch < one.sentInEpoch && !this.ghost(one.partition).released(epoch);
    if (isLate && one.deadLetters === 1) one.repeatsAllowed += 1;
    // In the epilogue a copy that came when nobody was left to answer it may be all that compaction kept.
    if (!this.epilogue) this.#mustEndOnce(one, 'dead-after-success');
    this.#policy.givenUp(one, letter);
    this.#end(one, 'dead', epoch);
  }

  /** @param epoch the reign that says so; Infinity when nobody can tell */
  #end(one: Case, ending: Ending, epoch: number): void {
    if (one.ending === null) one.endedAt = this.#o.now();
    one.ending ??= ending;
    one.endedInEpoch = epoch;
    // What a dead reign had to say comes late, and ends no repetition of the next one.
    one.revived = epoch < one.sentInEpoch;
    this.#open[one.partition]?.delete(one);
  }
}
